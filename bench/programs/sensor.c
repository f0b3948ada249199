/*
 * The far end of the tunnel: a UDP socket that counts what arrives and checks the checksums of a sample.
 *
 *   sensor PORT SAMPLE [cut]
 *
 * SAMPLE n: every n-th arrival is checked; 1 checks all of them; 0 checks none, so that nothing leaves the kernel. With
 * SAMPLE 1 everything is counted here, where loading a BPF program is not allowed, or none is needed.
 * The socket takes batches whole (UDP_GRO), as one that is to be fast does; with `cut`, the kernel cuts them before.
 * Each line on standard input is answered by a line of JSON; ends with its input.
 *
 * It stands for another machine: what it checks must not hold up the tap on its core, so it runs when nothing else does.
 * SCHED_IDLE, and not nice(2), since only that leaves the core as soon as the tap is to run, and not with the next tick.
 */
#define _GNU_SOURCE
#include "checksums.h"
#include "counting.h"
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum { vxlan = 8, receive_buffer = 32 << 20 };

static struct counted here;
static unsigned long verdicts[3];

static unsigned long tcp_payload(const unsigned char *frame, size_t length) {
  if (length < 54 || frame[12] != 0x08 || frame[13] != 0x00 || frame[14 + 9] != 6) return 0;
  size_t header = 14 + 20 + (frame[14 + 20 + 12] >> 4) * 4;
  return length > header ? length - header : 0;
}

static void take(const unsigned char *bytes, size_t length, size_t each) {
  here.arrivals++;
  here.bytes += length;
  for (size_t at = 0; at < length; at += each) {
    size_t size = length - at < each ? length - at : each;
    here.frames++;
    if (size <= vxlan) continue;
    here.tcp += tcp_payload(bytes + at + vxlan, size - vxlan);
    verdicts[checksums(bytes + at + vxlan, size - vxlan)]++;
  }
}

static int receive(int fd) {
  static unsigned char bytes[65536];
  char control[CMSG_SPACE(sizeof(int))];
  struct iovec vector = { .iov_base = bytes, .iov_len = sizeof bytes };
  struct msghdr message = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control };
  ssize_t length = recvmsg(fd, &message, MSG_DONTWAIT);
  if (length < 0) return 0;
  int each = 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c != NULL; c = CMSG_NXTHDR(&message, c))
    if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) memcpy(&each, CMSG_DATA(c), sizeof each);
  take(bytes, length, each > 0 ? (size_t)each : (size_t)length + 1);
  return 1;
}

static int fail(const char *what) {
  fprintf(stderr, "sensor: %s: %s\n", what, strerror(errno));
  return 1;
}

int main(int argc, char **argv) {
  if (argc < 3) {
    fprintf(stderr, "usage: sensor PORT SAMPLE [cut]\n");
    return 64;
  }
  if (sched_setscheduler(0, SCHED_IDLE, &(struct sched_param){ 0 }) < 0) return fail("SCHED_IDLE");
  int sample = atoi(argv[2]), on = 1, size = receive_buffer, map = -1;
  struct sockaddr_in any = { .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])) };
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (fd < 0) return fail("socket");
  if (argc < 4 && setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) < 0) return fail("UDP_GRO");
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  if (sample != 1 && (map = count_in_kernel(fd, sample)) < 0) return fail("counting in the kernel needs root (BPF)");
  if (bind(fd, (struct sockaddr *)&any, sizeof any) < 0) return fail("bind");
  printf("listening\n");
  fflush(stdout);

  struct pollfd waiting[2] = { { .fd = 0, .events = POLLIN }, { .fd = fd, .events = POLLIN } };
  for (char line[64];;) {
    if (poll(waiting, 2, -1) < 0 && errno != EINTR) return fail("poll");
    if (waiting[1].revents) for (int left = 64; left > 0 && receive(fd); left--) {}
    if (!waiting[0].revents) continue;
    if (read(0, line, sizeof line) <= 0) return 0;
    while (receive(fd)) {}
    struct counted c = map < 0 ? here : read_counted(map);
    printf("{\"arrivals\":%lu,\"frames\":%lu,\"bytes\":%lu,\"tcp\":%lu,\"good\":%lu,\"bad\":%lu,\"unknown\":%lu}\n", c.arrivals,
           c.frames, c.bytes, c.tcp, verdicts[checksums_good], verdicts[checksums_bad], verdicts[checksums_unknown]);
    fflush(stdout);
  }
}
