/* SPDX-License-Identifier: Apache-2.0 */
/*
 * burn THREADS BUSY_US IDLE_US LIFE_MS SECONDS
 *
 * So many threads that are busy and idle in turn; each is replaced by a new
 * one after LIFE_MS (0: never). Prints the run delay of all that ever were,
 * in nanoseconds, as the kernel told each of them at its end.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int64_t busy, idle, life, end;
static uint64_t total;

static int64_t now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static uint64_t run_delay(void)
{
	unsigned long long run = 0, delay = 0;
	FILE *file = fopen("/proc/thread-self/schedstat", "r");

	if (!file || fscanf(file, "%llu %llu", &run, &delay) != 2)
		abort();
	fclose(file);
	return delay;
}

static void *burn(void *unused)
{
	int64_t until = life ? now() + life : end;

	(void)unused;
	while (now() < until && now() < end) {
		int64_t over = now() + busy;

		while (now() < over)
			;
		if (idle)
			usleep(idle / 1000);
	}
	__atomic_fetch_add(&total, run_delay(), __ATOMIC_RELAXED);
	return NULL;
}

static void *keep(void *unused)
{
	pthread_t thread;

	(void)unused;
	while (now() < end) {
		if (pthread_create(&thread, NULL, burn, NULL))
			abort();
		pthread_join(thread, NULL);
	}
	__atomic_fetch_add(&total, run_delay(), __ATOMIC_RELAXED);
	return NULL;
}

int main(int count, char **words)
{
	pthread_t *keepers;
	pthread_attr_t small;
	int threads, i;

	if (count != 6)
		return 2;
	threads = atoi(words[1]);
	busy = atoll(words[2]) * 1000;
	idle = atoll(words[3]) * 1000;
	life = atoll(words[4]) * 1000000;
	getchar(); /* begin when told */
	end = now() + atoll(words[5]) * 1000000000;
	keepers = calloc(threads, sizeof(*keepers));
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 65536);
	for (i = 0; i < threads; i++)
		if (pthread_create(&keepers[i], &small, life ? keep : burn,
				   NULL))
			return 1;
	for (i = 0; i < threads; i++)
		pthread_join(keepers[i], NULL);
	total += run_delay();
	printf("%llu\n", (unsigned long long)total);
	return 0;
}
