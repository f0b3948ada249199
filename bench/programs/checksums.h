/* Whether the checksums of a captured frame are right: RFC 1071 sums, two bytes at a time. Shares nothing with the taps. */
#include <stddef.h>
#include <stdint.h>

enum verdict { checksums_unknown, checksums_good, checksums_bad };

static uint32_t sum(const unsigned char *bytes, size_t length, uint32_t start) {
  for (size_t i = 0; i + 1 < length; i += 2) start += bytes[i] << 8 | bytes[i + 1];
  if (length & 1) start += bytes[length - 1] << 8;
  return start;
}

static int is_whole(uint32_t total) {
  while (total >> 16) total = (total & 0xffff) + (total >> 16);
  return total == 0xffff;
}

/* Of the IPv4 header and of TCP or UDP in it; unknown for anything else (ARP, IPv6, fragments). */
static enum verdict checksums(const unsigned char *frame, size_t length) {
  if (length < 34 || frame[12] != 0x08 || frame[13] != 0x00) return checksums_unknown;
  const unsigned char *ip = frame + 14;
  size_t header = (ip[0] & 15) * 4, total = ip[2] << 8 | ip[3];
  if (header < 20 || total < header || 14 + total > length) return checksums_bad;
  if (!is_whole(sum(ip, header, 0))) return checksums_bad;
  if ((ip[6] & 0x3f) != 0 || ip[7] != 0 || (ip[9] != 6 && ip[9] != 17)) return checksums_unknown;
  const unsigned char *transport = ip + header;
  size_t rest = total - header;
  if (rest < 8) return checksums_bad;
  if (ip[9] == 17 && transport[6] == 0 && transport[7] == 0) return checksums_good; /* RFC 768: none was made */
  uint32_t pseudo = sum(ip + 12, 8, ip[9] + (uint32_t)rest);
  return is_whole(sum(transport, rest, pseudo)) ? checksums_good : checksums_bad;
}
