/*
 * A socket filter that counts datagrams where they arrive and hands only some of them on, so that the sensor costs next
 * to nothing and the tap pays only for what is its own. eBPF, put together by hand; linux/bpf.h has the encoding.
 */
#include <linux/bpf.h>
#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SO_ATTACH_BPF
#define SO_ATTACH_BPF 50
#endif

/* In the order in which the program adds to them. */
struct counted {
  uint64_t arrivals;   /* as the socket sees them: a batch that nothing has cut is one */
  uint64_t frames;     /* as the wire would: a batch counts as its datagrams */
  uint64_t bytes;      /* of UDP payload */
  uint64_t tcp;        /* bytes of payload of TCP inside the tunnel */
};

#define INSN(c, d, s, o, i) ((struct bpf_insn){ .code = c, .dst_reg = d, .src_reg = s, .off = o, .imm = i })
#define MOV(d, s) INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define SET(d, i) INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define ADD(d, i) INSN(BPF_ALU64 | BPF_ADD | BPF_K, d, 0, 0, i)
#define LOAD(d, field) INSN(BPF_LDX | BPF_MEM | BPF_W, d, BPF_REG_6, offsetof(struct __sk_buff, field), 0)
#define PACKET(size, at) INSN(BPF_LD | BPF_ABS | size, 0, 0, 0, at)
#define JUMP(op, d, i, o) INSN(BPF_JMP | op | BPF_K, d, 0, o, i)
#define COUNT(field, s) INSN(BPF_STX | BPF_ATOMIC | BPF_DW, BPF_REG_0, s, offsetof(struct counted, field), BPF_ADD)

/* Offsets from the outer UDP header, which is where a UDP socket's filter looks from. */
enum { frame_at = 16, ip_at = frame_at + 14, tcp_at = ip_at + 20 };

static long bpf(int command, union bpf_attr *attributes) {
  return syscall(SYS_bpf, command, attributes, sizeof *attributes);
}

/* The map that is counted in, or -1 where this kernel or container allows no such program (errno tells). */
static int count_in_kernel(int fd, int sample) {
  union bpf_attr map = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = sizeof(struct counted), .max_entries = 1 };
  int map_fd = bpf(BPF_MAP_CREATE, &map);
  if (map_fd < 0) return -1;
  struct bpf_insn program[] = {
    MOV(BPF_REG_6, BPF_REG_1),
    LOAD(BPF_REG_7, gso_segs),
    JUMP(BPF_JNE, BPF_REG_7, 0, 1),
    SET(BPF_REG_7, 1),
    LOAD(BPF_REG_8, len),
    ADD(BPF_REG_8, -8),
    SET(BPF_REG_9, 0),
    PACKET(BPF_H, frame_at + 12),
    JUMP(BPF_JNE, BPF_REG_0, 0x0800, 17),
    PACKET(BPF_B, ip_at + 9),
    JUMP(BPF_JNE, BPF_REG_0, 6, 15),
    /* How often the inner headers are there: once in each datagram of a batch, once in a super-frame. */
    PACKET(BPF_H, ip_at + 2),
    ADD(BPF_REG_0, ip_at - 8),
    SET(BPF_REG_9, 1),
    INSN(BPF_JMP | BPF_JGE | BPF_X, BPF_REG_0, BPF_REG_8, 1, 0),
    MOV(BPF_REG_9, BPF_REG_7),
    PACKET(BPF_B, tcp_at + 12),
    INSN(BPF_ALU64 | BPF_RSH | BPF_K, BPF_REG_0, 0, 0, 4),
    INSN(BPF_ALU64 | BPF_LSH | BPF_K, BPF_REG_0, 0, 0, 2),
    ADD(BPF_REG_0, tcp_at - 8),
    INSN(BPF_ALU64 | BPF_MUL | BPF_X, BPF_REG_9, BPF_REG_0, 0, 0),
    MOV(BPF_REG_0, BPF_REG_8),
    INSN(BPF_ALU64 | BPF_SUB | BPF_X, BPF_REG_0, BPF_REG_9, 0, 0),
    MOV(BPF_REG_9, BPF_REG_0),
    JUMP(BPF_JSGE, BPF_REG_9, 0, 1),
    SET(BPF_REG_9, 0),
    INSN(BPF_ST | BPF_MEM | BPF_W, BPF_REG_10, 0, -4, 0),
    MOV(BPF_REG_2, BPF_REG_10),
    ADD(BPF_REG_2, -4),
    INSN(BPF_LD | BPF_IMM | BPF_DW, BPF_REG_1, BPF_PSEUDO_MAP_FD, 0, map_fd),
    INSN(0, 0, 0, 0, 0),
    JUMP(BPF_CALL, 0, BPF_FUNC_map_lookup_elem, 0),
    JUMP(BPF_JNE, BPF_REG_0, 0, 2),
    SET(BPF_REG_0, 0),
    INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
    SET(BPF_REG_1, 1),
    COUNT(arrivals, BPF_REG_1),
    COUNT(frames, BPF_REG_7),
    COUNT(bytes, BPF_REG_8),
    COUNT(tcp, BPF_REG_9),
    INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_0, 0, 0),
    SET(BPF_REG_0, 0),
    INSN(BPF_ALU64 | BPF_MOD | BPF_K, BPF_REG_1, 0, 0, sample > 0 ? sample : 1),
    JUMP(BPF_JNE, BPF_REG_1, 0, 1),
    SET(BPF_REG_0, sample > 0 ? 0x7fffffff : 0),
    INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
  };
  union bpf_attr load = {
    .prog_type = BPF_PROG_TYPE_SOCKET_FILTER,
    .insns = (uint64_t)(uintptr_t)program,
    .insn_cnt = sizeof program / sizeof *program,
    .license = (uint64_t)(uintptr_t) "Apache-2.0",
  };
  int filter = bpf(BPF_PROG_LOAD, &load);
  if (filter < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &filter, sizeof filter) < 0) return -1;
  return map_fd;
}

static struct counted read_counted(int map_fd) {
  struct counted value = { 0 };
  uint32_t key = 0;
  union bpf_attr get = { .map_fd = map_fd, .key = (uint64_t)(uintptr_t)&key, .value = (uint64_t)(uintptr_t)&value };
  bpf(BPF_MAP_LOOKUP_ELEM, &get);
  return value;
}
