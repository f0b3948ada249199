/*
 * The tap that everybody writes first: libpcap in, eight bytes of VXLAN in front, sendto(2) out, a packet at a time.
 *
 *   libpcap-sendto INTERFACE SENSOR VNI
 *
 * Nothing is repaired: super-frames leave whole (the kernel fragments their datagrams), partial checksums stay partial.
 * libpcap's defaults but for the snapshot length; its timeout is tcpdump's choice between latency and wake-ups, 10 ms.
 * Ends on SIGTERM and says then: captured, dropped by the kernel, sent, refused.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { snapshot = 262144, header = 8, timeout_ms = 10, largest = 65507 };

static pcap_t *capture;
static int out;
static struct sockaddr_in sensor = { .sin_family = AF_INET };
static unsigned char datagram[header + snapshot] = { 0x08 };
static unsigned long sent, refused;

static void stop(int signal) {
  (void)signal;
  pcap_breakloop(capture);
}

static void mirror(unsigned char *user, const struct pcap_pkthdr *packet, const unsigned char *bytes) {
  (void)user;
  size_t length = header + packet->caplen;
  memcpy(datagram + header, bytes, packet->caplen);
  if (length <= largest && sendto(out, datagram, length, 0, (struct sockaddr *)&sensor, sizeof sensor) >= 0) sent++;
  else refused++;
}

static void fail(const char *what, const char *why) {
  fprintf(stderr, "libpcap-sendto: %s: %s\n", what, why);
  exit(1);
}

int main(int argc, char **argv) {
  char error[PCAP_ERRBUF_SIZE], expression[128];
  struct bpf_program filter;
  if (argc != 4) fail("usage", "libpcap-sendto INTERFACE SENSOR VNI");
  if (inet_pton(AF_INET, argv[2], &sensor.sin_addr) != 1) fail("the sensor is no IPv4 address", argv[2]);
  sensor.sin_port = htons(4789);
  unsigned long vni = strtoul(argv[3], NULL, 0);
  datagram[4] = vni >> 16, datagram[5] = vni >> 8, datagram[6] = vni;

  out = socket(AF_INET, SOCK_DGRAM, 0);
  if (out < 0) fail("socket", strerror(errno));
  capture = pcap_create(argv[1], error);
  if (capture == NULL) fail(argv[1], error);
  pcap_set_snaplen(capture, snapshot);
  pcap_set_timeout(capture, timeout_ms);
  if (pcap_activate(capture) < 0) fail(argv[1], pcap_geterr(capture));
  /* The whole address, and not the port: a port filter would mirror the tunnel's own IP fragments again. */
  snprintf(expression, sizeof expression, "not host %s", argv[2]);
  if (pcap_compile(capture, &filter, expression, 1, PCAP_NETMASK_UNKNOWN) < 0 || pcap_setfilter(capture, &filter) < 0)
    fail("filter", pcap_geterr(capture));

  struct sigaction action = { .sa_handler = stop };
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  printf("capturing %s\n", argv[1]);
  fflush(stdout);
  if (pcap_loop(capture, -1, mirror, NULL) == PCAP_ERROR) fail(argv[1], pcap_geterr(capture));

  struct pcap_stat seen = { 0 };
  pcap_stats(capture, &seen);
  printf("{\"captured\":%u,\"dropped\":%u,\"sent\":%lu,\"refused\":%lu}\n", seen.ps_recv, seen.ps_drop, sent, refused);
  return 0;
}
