/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Programs that do nothing: what the ledger's cost is compared with. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

SEC("tp_btf/sched_switch")
int switched(void *unused)
{
	return 0;
}

SEC("tp_btf/sched_wakeup")
int woken(void *unused)
{
	return 0;
}

const char _license[] SEC("license") = "Dual BSD/GPL";
