/* SPDX-License-Identifier: Apache-2.0 */
/*
 * disk_rounds: what a guest's disk does, asked for over the serial line.
 *
 * Reads lines from stdin. "hello" is answered by "ready". A line
 * "DEVICE KIND DEPTH FLUSH MS SEED" is answered by "begin", and when so many
 * milliseconds are over by "end REQUESTS NANOSECONDS". KIND is r or w: 4 KiB
 * past the page cache at random places, DEPTH processes at once, each of
 * which flushes after FLUSH writes (0: never). "failed WHERE" if it cannot.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096
#define MOST 64

struct order {
	char device[64], kind;
	int depth, flush, ms;
	unsigned int seed;
};

static long long now(void)
{
	struct timespec at;

	clock_gettime(CLOCK_MONOTONIC, &at);
	return at.tv_sec * 1000000000LL + at.tv_nsec;
}

static unsigned long long next(unsigned long long *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

/* One process: return its requests, or -errno. */
static long one(const struct order *order, int number, long long until)
{
	unsigned long long bytes, state = order->seed * MOST + number + 1;
	int file = open(order->device, O_RDWR | O_DIRECT);
	long done = 0;
	void *block;

	if (file < 0 || ioctl(file, BLKGETSIZE64, &bytes) ||
	    posix_memalign(&block, BLOCK, BLOCK))
		return -errno;
	memset(block, number + 1, BLOCK);
	while (now() < until) {
		off_t at = next(&state) % (bytes / BLOCK) * BLOCK;
		ssize_t got = order->kind == 'r' ?
			pread(file, block, BLOCK, at) :
			pwrite(file, block, BLOCK, at);

		if (got != BLOCK)
			return -errno;
		done++;
		if (order->flush && done % order->flush == 0 &&
		    fdatasync(file))
			return -errno;
	}
	return done;
}

static void run(const struct order *order, long *done)
{
	long long begin, took;
	long all = 0;
	int i, status;

	printf("begin\n");
	begin = now();
	for (i = 0; i < order->depth; i++)
		done[i] = -ECHILD;
	for (i = 0; i < order->depth; i++) {
		pid_t child = fork();

		if (!child) {
			done[i] = one(order, i, begin + order->ms * 1000000LL);
			_exit(0);
		}
		if (child < 0) {
			done[i] = -errno;
			break;
		}
	}
	while (wait(&status) > 0)
		if (status)
			printf("died %d\n", status);
	took = now() - begin;
	for (i = 0; i < order->depth; i++) {
		if (done[i] < 0) {
			printf("failed %s, process %d: %s\n", order->device, i,
			       strerror(-done[i]));
			return;
		}
		all += done[i];
	}
	printf("end %ld %lld\n", all, took);
}

int main(void)
{
	long *done = mmap(NULL, MOST * sizeof(*done), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct termios line;
	struct order order;
	char words[256];

	if (!tcgetattr(0, &line)) {
		cfmakeraw(&line);
		tcsetattr(0, TCSANOW, &line);
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	while (fgets(words, sizeof(words), stdin)) {
		if (!strncmp(words, "hello", 5))
			printf("ready\n");
		else if (sscanf(words, "%63s %c %d %d %d %u", order.device,
				&order.kind, &order.depth, &order.flush,
				&order.ms, &order.seed) == 6 &&
			 order.depth > 0 && order.depth <= MOST)
			run(&order, done);
		else
			printf("failed order\n");
	}
	return 0;
}
