/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipe_rounds CPU
 *
 * Two processes on one CPU pass a byte to and fro: two switches and two
 * wake-ups a round. For each line on stdin, "ROUNDS", prints the nanoseconds
 * that they took. First prints the other process's pid.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

static void must(int worked)
{
	if (!worked)
		exit(1);
}

static long long now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000000000LL + at.tv_nsec;
}

int main(int count, char **words)
{
	int there[2], back[2], rounds, i;
	cpu_set_t cpus;
	char byte = 0;
	pid_t other;

	must(count == 2);
	CPU_ZERO(&cpus);
	CPU_SET(atoi(words[1]), &cpus);
	must(!sched_setaffinity(0, sizeof(cpus), &cpus));
	must(!pipe(there) && !pipe(back));
	other = fork();
	if (!other) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (read(there[0], &byte, 1) == 1)
			must(write(back[1], &byte, 1) == 1);
		return 0;
	}
	printf("%d\n", other);
	fflush(stdout);
	while (scanf("%d", &rounds) == 1) {
		long long begin = now();

		for (i = 0; i < rounds; i++) {
			must(write(there[1], &byte, 1) == 1);
			must(read(back[0], &byte, 1) == 1);
		}
		printf("%lld\n", now() - begin);
		fflush(stdout);
	}
	return 0;
}
