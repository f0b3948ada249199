/*
 * The tap that vxtap is compared with: what a sniffer sidecar does that hands on what libpcap gives it. Each captured
 * frame gets a VXLAN header (RFC 7348, section 5) and goes to the sensor in one sendto(2). Nothing is repaired.
 *
 * It is made to lose nothing for other reasons: the longest snapshot length, a large kernel buffer, an unconnected
 * socket (so that no ICMP error takes the place of a send), and every send that a full buffer refuses waits.
 *
 *   plain-tap INTERFACE SENSOR VNI
 */
#include <arpa/inet.h>
#include <errno.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { vxlan_header = 8, vxlan_port = 4789, longest_frame = 262144, kernel_buffer = 32 << 20, wait_ms = 10 };

static pcap_t *capture;
static int tunnel;
static struct sockaddr_in sensor;
static uint8_t datagram[vxlan_header + longest_frame];
static unsigned long captured, sent, too_long, failed;

static void fail(const char *what, const char *why)
{
	fprintf(stderr, "plain-tap: %s: %s\n", what, why);
	exit(1);
}

static void stop(int signal_number)
{
	(void)signal_number;
	pcap_breakloop(capture);
}

static void forward(u_char *user, const struct pcap_pkthdr *header, const u_char *frame)
{
	(void)user;
	captured++;
	memcpy(datagram + vxlan_header, frame, header->caplen);
	ssize_t done = sendto(tunnel, datagram, vxlan_header + header->caplen, 0, (struct sockaddr *)&sensor, sizeof sensor);
	if (done >= 0)
		sent++;
	else if (errno == EMSGSIZE)
		too_long++;
	else
		failed++;
}

static void open_capture(const char *interface, const char *sensor_address)
{
	char reason[PCAP_ERRBUF_SIZE], expression[64];
	struct bpf_program program;

	capture = pcap_create(interface, reason);
	if (!capture)
		fail(interface, reason);
	pcap_set_snaplen(capture, longest_frame);
	pcap_set_buffer_size(capture, kernel_buffer);
	pcap_set_timeout(capture, wait_ms);
	if (pcap_activate(capture) < 0)
		fail(interface, pcap_geterr(capture));
	/* Its own datagrams must not be mirrored again. */
	snprintf(expression, sizeof expression, "not (host %s)", sensor_address);
	if (pcap_compile(capture, &program, expression, 1, PCAP_NETMASK_UNKNOWN) < 0 || pcap_setfilter(capture, &program) < 0)
		fail(expression, pcap_geterr(capture));
}

int main(int argc, char **argv)
{
	if (argc != 4)
		fail("usage", "plain-tap INTERFACE SENSOR VNI");
	uint32_t vni = htonl((uint32_t)strtoul(argv[3], NULL, 10) << 8);
	datagram[0] = 0x08;
	memcpy(datagram + 4, &vni, sizeof vni);
	sensor.sin_family = AF_INET;
	sensor.sin_port = htons(vxlan_port);
	if (inet_pton(AF_INET, argv[2], &sensor.sin_addr) != 1)
		fail(argv[2], "not an IPv4 address");
	tunnel = socket(AF_INET, SOCK_DGRAM, 0);
	if (tunnel < 0)
		fail("socket", strerror(errno));
	open_capture(argv[1], argv[2]);
	struct sigaction action = { .sa_handler = stop };
	sigaction(SIGTERM, &action, NULL);
	fprintf(stderr, "capturing %s\n", argv[1]);
	if (pcap_loop(capture, -1, forward, NULL) == PCAP_ERROR)
		fail(argv[1], pcap_geterr(capture));
	struct pcap_stat kernel = { 0 };
	pcap_stats(capture, &kernel);
	fprintf(stderr, "stopped: captured %lu frames, sent %lu, too long for a datagram %lu, failed %lu, lost by the kernel %u\n",
		captured, sent, too_long, failed, kernel.ps_drop);
	return 0;
}
