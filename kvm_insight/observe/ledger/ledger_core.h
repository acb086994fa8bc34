/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The ledger's core: who ran on a CPU while a thread waited there.
 *
 * No list of waiters is kept. A CPU keeps a ring of who ran, a waiter
 * remembers where in the ring its wait began, and the wait is charged when it
 * ends. Compiled into the kernel programs, and for user space by the tests,
 * which replay schedules of up to 128 CPUs through it. The includer gives
 *   ledger_row(victim), quota_row(victim), ledger_cpu_at(number), or NULL;
 *   ledger_add(cell, ns): several CPUs may add to one cell at once.
 */
#ifndef LEDGER_CORE_H
#define LEDGER_CORE_H

typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long long u64;

#define LEDGER_RING 1024
#define LEDGER_ENTITIES 512
/* Domains, the only victims, are the entities from LEDGER_DOMAINS to here. */
#define LEDGER_ROWS 384

enum {
	LEDGER_UNATTRIBUTED, /* also a CPU of which nothing is known yet */
	LEDGER_HOST,
	LEDGER_IDLE,
	LEDGER_DOMAINS,
};

/* Until `end`, and since the end of the segment before, `entity` ran. */
struct ledger_segment {
	u64 end;
	u32 entity;
	u32 unused;
};

/* Written by its own CPU only; others read it. */
struct ledger_cpu {
	u64 head; /* segments closed since the start */
	u64 at; /* the last switch; 0 before the first */
	u32 pid; /* who runs since then */
	u32 entity;
	u64 switches;
	u64 missed;
	u64 overruns;
	u64 untracked;
	u64 unused;
	struct ledger_segment ring[LEDGER_RING];
};

struct ledger_thread {
	u64 since;
	u64 position; /* in the ring, where the wait began */
	u64 throttled; /* the group's throttled time at that moment */
	u64 groups; /* the css_set for which `entity` was found */
	u32 generation;
	u32 entity;
	u32 cpu;
	u32 victim; /* whose wait it is while it waits, else 0 */
};

struct ledger_charges {
	u64 ns[LEDGER_ENTITIES];
};

struct ledger_walk {
	u64 since;
	u64 until;
	u64 position;
	u64 quota; /* of the wait, not charged yet */
	u32 victim;
	u32 unused;
};

#define LEDGER_INLINE static __attribute__((always_inline)) inline

LEDGER_INLINE struct ledger_charges *ledger_row(u32 victim);
LEDGER_INLINE struct ledger_charges *quota_row(u32 victim);
LEDGER_INLINE struct ledger_cpu *ledger_cpu_at(u32 number);
LEDGER_INLINE void ledger_add(u64 *cell, u64 ns);

/*
 * A global function is verified once, by itself. Inlined, the walk over 1,024
 * segments exceeds the verifier's million instructions; bpf_loop would need
 * Linux 5.17 and is no faster.
 */
#define LEDGER_GLOBAL __attribute__((noinline))

LEDGER_INLINE int ledger_is_victim(u32 entity)
{
	return entity - LEDGER_DOMAINS < LEDGER_ROWS - LEDGER_DOMAINS;
}

/* Charge the part of the wait that ends with `end`, its quota first. */
LEDGER_INLINE void ledger_charge(struct ledger_walk *walk, u32 runner, u64 end)
{
	struct ledger_charges *row;
	u64 part, quota;

	/* Clipping on both sides makes an unlocked look at a ring harmless. */
	if (end > walk->until)
		end = walk->until;
	if (end <= walk->since || runner >= LEDGER_ENTITIES)
		return;
	part = end - walk->since;
	walk->since = end;
	quota = part < walk->quota ? part : walk->quota;
	if (quota) {
		walk->quota -= quota;
		row = quota_row(walk->victim);
		if (row)
			ledger_add(&row->ns[runner], quota);
	}
	if (part > quota) {
		row = ledger_row(walk->victim);
		if (row)
			ledger_add(&row->ns[runner], part - quota);
	}
}

LEDGER_GLOBAL int ledger_step(struct ledger_cpu *cpu, struct ledger_walk *walk)
{
	struct ledger_segment *segment;

	if (!cpu || !walk)
		return 0;
	segment = &cpu->ring[walk->position % LEDGER_RING];
	ledger_charge(walk, segment->entity, segment->end);
	walk->position++;
	return 0;
}

/* End a wait at `now`: charge the segments since it began, then who runs. */
LEDGER_GLOBAL int ledger_settle(struct ledger_cpu *cpu,
				struct ledger_thread *thread, u64 now,
				u64 throttled)
{
	struct ledger_walk walk = {};
	u64 head, oldest;
	int i;

	if (!cpu || !thread)
		return 0;
	walk.victim = thread->victim;
	thread->victim = 0;
	walk.since = thread->since;
	walk.until = now;
	walk.position = thread->position;
	if (throttled > thread->throttled)
		walk.quota = throttled - thread->throttled;
	head = cpu->head;
	if (head - walk.position > LEDGER_RING) {
		/* Only the end of the oldest segment is known, not its start. */
		oldest = head - LEDGER_RING;
		ledger_charge(&walk, LEDGER_UNATTRIBUTED,
			      cpu->ring[oldest % LEDGER_RING].end);
		walk.position = oldest + 1;
		ledger_add(&cpu->overruns, 1);
	}
	for (i = 0; i < LEDGER_RING && walk.position < head; i++)
		ledger_step(cpu, &walk);
	ledger_charge(&walk, cpu->entity, now);
	return 0;
}

LEDGER_INLINE void ledger_begin(const struct ledger_cpu *cpu, u32 number,
				struct ledger_thread *thread, u64 now,
				u64 throttled)
{
	if (!ledger_is_victim(thread->entity))
		return;
	thread->since = now;
	thread->position = cpu->head;
	thread->throttled = throttled;
	thread->cpu = number;
	thread->victim = thread->entity;
}

/* From `now` on, `entity` runs on this CPU. */
LEDGER_INLINE void ledger_run(struct ledger_cpu *cpu, u32 pid, u32 entity,
			      u64 now)
{
	struct ledger_segment *segment;

	if (entity != cpu->entity) {
		segment = &cpu->ring[cpu->head % LEDGER_RING];
		segment->end = now;
		segment->entity = cpu->entity;
		/* The segment must be there before the head says so. */
		__asm__ __volatile__("" ::: "memory");
		cpu->head++;
		cpu->entity = entity;
	}
	cpu->pid = pid;
	cpu->at = now;
}

/* One sched_switch, with what is known of both threads. */
struct ledger_switch {
	struct ledger_thread *prev; /* NULL: idle, untracked or not needed */
	struct ledger_thread *next;
	u64 now;
	u64 prev_since; /* when prev was put on this CPU */
	u64 prev_throttled;
	u64 next_throttled;
	u32 prev_pid;
	u32 next_pid;
	u32 prev_entity; /* read only after a missed switch */
	u32 next_entity;
	u32 prev_waits; /* preempted or still runnable */
	u32 number;
};

/* Whether the switch that put this thread on the CPU was not reported. */
LEDGER_INLINE int ledger_is_missed(const struct ledger_cpu *cpu, u32 prev_pid)
{
	return cpu->pid != prev_pid || !cpu->at;
}

/* Whether a switch has to look up the state of who leaves. */
LEDGER_INLINE int ledger_needs_prev(const struct ledger_cpu *cpu, u32 prev_pid,
				    u32 prev_waits)
{
	return prev_pid && (ledger_is_missed(cpu, prev_pid) ||
			    (prev_waits && ledger_is_victim(cpu->entity)));
}

LEDGER_INLINE void ledger_end(struct ledger_thread *thread, u64 now,
			      u64 throttled)
{
	struct ledger_cpu *cpu = ledger_cpu_at(thread->cpu);

	if (cpu)
		ledger_settle(cpu, thread, now, throttled);
}

/* What a switch that was not reported would have said. */
LEDGER_INLINE void ledger_repair(struct ledger_cpu *cpu,
				 const struct ledger_switch *event)
{
	u64 since = event->prev_since;

	if (cpu->at)
		cpu->missed++;
	if (since > event->now)
		since = event->now;
	if (since < cpu->at)
		since = cpu->at;
	if (event->prev && event->prev->victim)
		ledger_end(event->prev, since, event->prev_throttled);
	ledger_run(cpu, event->prev_pid, event->prev_entity, since);
}

LEDGER_INLINE void ledger_switch(struct ledger_cpu *cpu,
				 const struct ledger_switch *event)
{
	if (ledger_is_missed(cpu, event->prev_pid))
		ledger_repair(cpu, event);
	cpu->switches++;
	if (event->next && event->next->victim)
		ledger_end(event->next, event->now, event->next_throttled);
	ledger_run(cpu, event->next_pid, event->next_entity, event->now);
	if (event->prev_waits && event->prev)
		ledger_begin(cpu, event->number, event->prev, event->now,
			     event->prev_throttled);
}

/* A thread became runnable; no news if it waits already. */
LEDGER_INLINE void ledger_wake(const struct ledger_cpu *cpu, u32 number,
			       struct ledger_thread *thread, u64 now,
			       u64 throttled)
{
	if (!thread->victim)
		ledger_begin(cpu, number, thread, now, throttled);
}

/* A waiting thread moves to another CPU's queue. */
LEDGER_INLINE void ledger_migrate(const struct ledger_cpu *to, u32 number,
				  struct ledger_thread *thread, u64 now,
				  u64 throttled_here, u64 throttled_there)
{
	ledger_end(thread, now, throttled_here);
	ledger_begin(to, number, thread, now, throttled_there);
}

#endif
