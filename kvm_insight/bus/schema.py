# SPDX-License-Identifier: Apache-2.0
"""The tables of the embedded log, and the statements on its records."""

SCHEMA = (
    """CREATE TABLE IF NOT EXISTS topic (
        name TEXT PRIMARY KEY, partitions INTEGER NOT NULL,
        retention_ms INTEGER, compacted INTEGER NOT NULL) WITHOUT ROWID""",
    """CREATE TABLE IF NOT EXISTS part (
        id INTEGER PRIMARY KEY, topic TEXT NOT NULL, number INTEGER NOT NULL,
        next INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, number))""",
    # AUTOINCREMENT: an id must never come back after its record was deleted.
    # The value comes last: the columns before it are read without its pages.
    """CREATE TABLE IF NOT EXISTS record (
        id INTEGER PRIMARY KEY AUTOINCREMENT, part INTEGER NOT NULL,
        "offset" INTEGER NOT NULL, timestamp_ms INTEGER NOT NULL,
        size INTEGER NOT NULL, key TEXT, headers BLOB, value BLOB)""",
    """CREATE UNIQUE INDEX IF NOT EXISTS record_offset
        ON record (part, "offset")""",
    """CREATE INDEX IF NOT EXISTS record_time
        ON record (part, timestamp_ms, "offset")""",
)
APPEND = """INSERT INTO record
    (part, "offset", timestamp_ms, size, key, headers, value)
    VALUES (?, ?, ?, ?, ?, ?, ?)"""
READ = """SELECT id, "offset", key, value, timestamp_ms, headers, size
    FROM record WHERE part = ? AND "offset" >= ? ORDER BY "offset" LIMIT ?"""
OLDEST = """SELECT r.id, p.topic, r.key, r.value, r.timestamp_ms, r.headers,
    r.size FROM record r JOIN part p ON p.id = r.part
    WHERE r.id > ? ORDER BY r.id LIMIT ?"""
EXPIRE = """DELETE FROM record WHERE id IN (SELECT r.id FROM record r
    WHERE r.part = ? AND r.timestamp_ms < ? LIMIT ?)"""
# Of each key only its newest record stays; a tombstone stays until it is old
# enough for every reader to have seen it. Records without a key stay.
COMPACT = """DELETE FROM record WHERE part = ? AND key IS NOT NULL AND (
    "offset" < (SELECT max(newer."offset") FROM record newer
        WHERE newer.part = record.part AND newer.key = record.key)
    OR (value IS NULL AND timestamp_ms < ?))"""
KEY_INDEX = """CREATE INDEX IF NOT EXISTS record_key
    ON record (part, key, "offset") WHERE key IS NOT NULL"""
PARTS = """SELECT part.id, retention_ms, compacted
    FROM part JOIN topic ON topic.name = part.topic"""
