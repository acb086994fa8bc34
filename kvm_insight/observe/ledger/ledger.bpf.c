/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contention ledger's kernel side: who ran while whose threads waited.
 *
 * Linux 5.15 or newer with BTF. The structs name only the fields that are
 * read; CO-RE finds them in the running kernel. Everything is attached by
 * link, so a loader that is killed leaves nothing behind.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "ledger_core.h"

#define MAX_CGROUP_DEPTH 8
#define CORE __attribute__((preserve_access_index))

struct kernfs_node {
	u64 id;
} CORE;

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
} CORE;

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
} CORE;

struct css_set {
	struct cgroup *dfl_cgrp;
} CORE;

struct rq {
	u64 clock;
} CORE;

struct cfs_rq {
	struct rq *rq;
	u64 throttled_clock_self;
	u64 throttled_clock_self_time;
} CORE;

struct cfs_bandwidth {
	u64 throttled_time;
} CORE;

struct task_group {
	struct cfs_rq **cfs_rq;
	struct cfs_bandwidth cfs_bandwidth;
} CORE;

struct sched_entity {
	struct cfs_rq *cfs_rq;
} CORE;

struct sched_info {
	unsigned long long last_arrival;
} CORE;

struct thread_info {
	u32 cpu;
} CORE;

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	int on_cpu;
	struct sched_entity se;
	struct task_group *sched_task_group;
	struct sched_info sched_info;
	int pid;
	int tgid;
	struct css_set *cgroups;
} CORE;

/* Before Linux 5.16. */
struct task_struct___cpu {
	u32 cpu;
} CORE;

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
} CORE;

struct control {
	u32 generation; /* raised by the loader when an entity changed */
	u32 unused;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct control);
} control SEC(".maps");

/* max_entries is set by the loader: one for each possible CPU. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, struct ledger_cpu);
} cpus SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LEDGER_ROWS);
	__type(key, u32);
	__type(value, struct ledger_charges);
} ledger SEC(".maps");

/* What of a wait was the victim's own CPU quota, by who ran meanwhile. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LEDGER_ROWS);
	__type(key, u32);
	__type(value, struct ledger_charges);
} quota SEC(".maps");

/* tgid -> entity; a vhost worker that is a kernel thread has its own. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, u32);
	__type(value, u32);
} entities SEC(".maps");

/* Inode of a cgroup v2 directory -> entity. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, u64);
	__type(value, u32);
} services SEC(".maps");

/* A hash by pid would fill and lose threads; this cannot. */
struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct ledger_thread);
} threads SEC(".maps");

LEDGER_INLINE struct ledger_charges *ledger_row(u32 victim)
{
	return bpf_map_lookup_elem(&ledger, &victim);
}

LEDGER_INLINE struct ledger_charges *quota_row(u32 victim)
{
	return bpf_map_lookup_elem(&quota, &victim);
}

LEDGER_INLINE struct ledger_cpu *ledger_cpu_at(u32 number)
{
	return bpf_map_lookup_elem(&cpus, &number);
}

LEDGER_INLINE void ledger_add(u64 *cell, u64 ns)
{
	__sync_fetch_and_add(cell, ns);
}

LEDGER_INLINE struct ledger_thread *thread_of(struct task_struct *task)
{
	return bpf_task_storage_get(&threads, task, 0, 0);
}

/*
 * State is allocated here and by `existing`, not at a switch: there the run
 * queue's lock is held, and an allocation may have to wake kswapd.
 */
SEC("tp_btf/task_newtask")
int BPF_PROG(created, struct task_struct *task)
{
	bpf_task_storage_get(&threads, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return 0;
}

SEC("iter/task")
int existing(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (task)
		bpf_task_storage_get(&threads, task, 0,
				     BPF_LOCAL_STORAGE_GET_F_CREATE);
	return 0;
}

/* The entity by process, else by the innermost cgroup that is one. */
static __attribute__((noinline)) u32 find_entity(struct task_struct *task)
{
	struct cgroup *cgroup;
	u32 tgid = task->tgid;
	u32 *entity;
	u64 id;
	int i;

	entity = bpf_map_lookup_elem(&entities, &tgid);
	if (entity)
		return *entity;
	cgroup = task->cgroups->dfl_cgrp;
	for (i = 0; i < MAX_CGROUP_DEPTH && cgroup; i++) {
		id = BPF_CORE_READ(cgroup, kn, id);
		entity = bpf_map_lookup_elem(&services, &id);
		if (entity)
			return *entity;
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
	}
	return LEDGER_HOST;
}

/* A thread that changes its cgroup may become another service's. */
LEDGER_INLINE u32 entity_of(struct task_struct *task,
			    struct ledger_thread *thread)
{
	struct control *now;
	u64 groups = (u64)task->cgroups;
	u32 zero = 0, generation;

	now = bpf_map_lookup_elem(&control, &zero);
	if (!now)
		return LEDGER_UNATTRIBUTED;
	generation = *(volatile u32 *)&now->generation;
	if (thread->generation != generation || thread->groups != groups) {
		thread->entity = find_entity(task);
		thread->groups = groups;
		thread->generation = generation;
	}
	return thread->entity;
}

LEDGER_INLINE u32 cpu_of(struct task_struct *task)
{
	struct task_struct___cpu *old = (void *)task;

	if (bpf_core_field_exists(old->cpu))
		return BPF_CORE_READ(old, cpu);
	return task->thread_info.cpu;
}

/*
 * For how long the thread's group has been throttled on its CPU, by its own
 * quota or a parent's; before Linux 6.6 by its own, on all CPUs together.
 */
LEDGER_INLINE u64 throttled_of(struct task_struct *task)
{
	struct cfs_rq *queue = task->se.cfs_rq;
	u64 since;

	if (!bpf_core_field_exists(queue->throttled_clock_self_time))
		return task->sched_task_group->cfs_bandwidth.throttled_time;
	since = queue->throttled_clock_self;
	return queue->throttled_clock_self_time +
	       (since ? queue->rq->clock - since : 0);
}

/* The same on the CPU that the thread moves to. */
LEDGER_INLINE u64 throttled_on(struct task_struct *task, u32 number)
{
	struct cfs_rq **queues, *queue = NULL;
	u64 since;

	if (!bpf_core_field_exists(queue->throttled_clock_self_time))
		return throttled_of(task);
	queues = task->sched_task_group->cfs_rq;
	bpf_probe_read_kernel(&queue, sizeof(queue), &queues[number]);
	since = BPF_CORE_READ(queue, throttled_clock_self);
	return BPF_CORE_READ(queue, throttled_clock_self_time) +
	       (since ? BPF_CORE_READ(queue, rq, clock) - since : 0);
}

/* When the running thread was put on its CPU; the kernel keeps it too. */
LEDGER_INLINE u64 arrival_of(struct task_struct *task, u64 now)
{
	return now - (task->se.cfs_rq->rq->clock -
		      task->sched_info.last_arrival);
}

/* Who a thread is for which there was no memory to keep its state. */
LEDGER_INLINE u32 untracked(struct ledger_cpu *cpu, struct task_struct *task)
{
	u32 entity = find_entity(task);

	if (ledger_is_victim(entity))
		cpu->untracked++;
	return entity;
}

SEC("tp_btf/sched_switch")
int BPF_PROG(switched, _Bool preempt, struct task_struct *prev,
	     struct task_struct *next)
{
	struct ledger_switch event = {
		.now = bpf_ktime_get_ns(),
		.number = bpf_get_smp_processor_id(),
		.prev_pid = prev->pid,
		.next_pid = next->pid,
		.prev_entity = LEDGER_IDLE,
		.next_entity = LEDGER_IDLE,
	};
	struct ledger_cpu *cpu = ledger_cpu_at(event.number);

	if (!cpu)
		return 0;
	/* Not sched_switch's own prev_state: kernels differ in it. */
	event.prev_waits = preempt || !prev->__state;
	if (ledger_needs_prev(cpu, event.prev_pid, event.prev_waits)) {
		event.prev = thread_of(prev);
		if (event.prev)
			event.prev_throttled = throttled_of(prev);
	}
	if (event.prev_pid && ledger_is_missed(cpu, event.prev_pid)) {
		event.prev_since = arrival_of(prev, event.now);
		event.prev_entity = event.prev ? entity_of(prev, event.prev) :
						 untracked(cpu, prev);
	}
	if (event.next_pid) {
		event.next = thread_of(next);
		if (event.next && event.next->victim)
			event.next_throttled = throttled_of(next);
		event.next_entity = event.next ? entity_of(next, event.next) :
						 untracked(cpu, next);
	}
	ledger_switch(cpu, &event);
	return 0;
}

LEDGER_INLINE int woken_up(struct task_struct *task)
{
	struct ledger_thread *thread;
	struct ledger_cpu *cpu;
	u32 number;

	/* Not on_rq: a thread whose dequeue is delayed sleeps with it set. */
	if (task->on_cpu)
		return 0;
	thread = thread_of(task);
	if (!thread || !ledger_is_victim(entity_of(task, thread)))
		return 0;
	number = cpu_of(task);
	cpu = ledger_cpu_at(number);
	if (cpu)
		ledger_wake(cpu, number, thread, bpf_ktime_get_ns(),
			    throttled_of(task));
	return 0;
}

SEC("tp_btf/sched_wakeup")
int BPF_PROG(woken, struct task_struct *task)
{
	return woken_up(task);
}

SEC("tp_btf/sched_wakeup_new")
int BPF_PROG(started, struct task_struct *task)
{
	return woken_up(task);
}

SEC("tp_btf/sched_migrate_task")
int BPF_PROG(migrated, struct task_struct *task, int number)
{
	struct ledger_thread *thread = thread_of(task);
	struct ledger_cpu *cpu;

	if (!thread || !thread->victim)
		return 0;
	cpu = ledger_cpu_at(number);
	if (cpu)
		ledger_migrate(cpu, number, thread, bpf_ktime_get_ns(),
			       throttled_of(task), throttled_on(task, number));
	return 0;
}

const char _license[] SEC("license") = "Dual BSD/GPL";
