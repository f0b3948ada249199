/*
 * A bounded UDP generator over sendmmsg(2):
 *
 *   flood ADDRESS PORT BYTES PACKETS SECONDS FLOWS PACKETS_PER_SECOND
 *
 * Sends PACKETS datagrams of BYTES payload or as many as go in SECONDS, whichever ends first (at most 20 million, 30 s),
 * from FLOWS sockets in turn. PACKETS_PER_SECOND 0 is as fast as it goes. Prints what the kernel took, as JSON.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

enum { burst = 16, most_flows = 256, most_packets = 20000000, most_seconds = 30, largest = 65507 };

static double now(void) {
  struct timespec at;
  clock_gettime(CLOCK_MONOTONIC, &at);
  return at.tv_sec + at.tv_nsec / 1e9;
}

static void wait_until(double moment) {
  struct timespec at = { .tv_sec = (time_t)moment, .tv_nsec = (long)((moment - (time_t)moment) * 1e9) };
  while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR) {}
}

static int fail(const char *what) {
  fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
  return 1;
}

int main(int argc, char **argv) {
  static unsigned char payload[largest];
  static int sockets[most_flows];
  static struct mmsghdr messages[burst];
  struct sockaddr_in to = { .sin_family = AF_INET };
  if (argc != 8 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1) {
    fprintf(stderr, "usage: flood ADDRESS PORT BYTES PACKETS SECONDS FLOWS PACKETS_PER_SECOND\n");
    return 64;
  }
  to.sin_port = htons(atoi(argv[2]));
  size_t bytes = strtoul(argv[3], NULL, 10);
  long packets = strtol(argv[4], NULL, 10);
  double seconds = atof(argv[5]);
  int flows = atoi(argv[6]);
  double rate = atof(argv[7]);
  if (bytes > largest) bytes = largest;
  if (packets <= 0 || packets > most_packets) packets = most_packets;
  if (seconds <= 0 || seconds > most_seconds) seconds = most_seconds;
  if (flows < 1 || flows > most_flows) flows = 1;

  for (int i = 0; i < flows; i++) {
    sockets[i] = socket(AF_INET, SOCK_DGRAM, 0);
    if (sockets[i] < 0 || connect(sockets[i], (struct sockaddr *)&to, sizeof to) < 0) return fail("connect");
  }
  struct iovec vector = { .iov_base = payload, .iov_len = bytes };
  for (int i = 0; i < burst; i++) messages[i].msg_hdr = (struct msghdr){ .msg_iov = &vector, .msg_iovlen = 1 };
  /* The default slack of 50 us would be a third of the pause between bursts at 100,000 packets a second. */
  prctl(PR_SET_TIMERSLACK, 1UL);

  double start = now(), elapsed = 0;
  long sent = 0, refused = 0;
  for (unsigned turn = 0; sent < packets && elapsed < seconds; turn++) {
    long left = packets - sent;
    int taken = sendmmsg(sockets[turn % flows], messages, left < burst ? left : burst, 0);
    if (taken > 0) sent += taken;
    else refused++;
    elapsed = now() - start;
    if (rate > 0 && sent / rate > elapsed) {
      wait_until(start + sent / rate);
      elapsed = now() - start;
    }
  }
  printf("{\"sent\":%ld,\"seconds\":%.6f,\"refused\":%ld}\n", sent, elapsed, refused);
  return 0;
}
