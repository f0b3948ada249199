/**
 * Why a frame that should have been mirrored was not. A closed set: each has a counter, a sentence and a line in the
 * documentation, and captured = sent + the sum of these holds at every moment when nothing is in flight.
 */
export const dropReasons = {
  ring_full:
    "the kernel's ring was full: the sidecar did not get enough CPU, or the ring (RING_MIB) is too small; a super-frame counts as one frame here, since nobody has seen how many it stands for",
  no_sensor: 'no sensor was known: no pod with the label, none ready, no permission to look, or no way to send to it',
  rate_limited: 'over the limit of MAX_MBPS',
  sampled_out: 'the flow is not among the SAMPLE_FLOWS per cent that are mirrored',
  send_error: 'the kernel refused the datagram; vxtap_send_errors_total says with which errno',
  truncated: 'the kernel gave a super-frame only in part, and what it left out could not be mirrored',
  malformed:
    "a super-frame could not be cut: its headers do not match what the kernel says of it, or the kernel cannot say (SCTP's)",
  shutdown: 'the sidecar had to stop before it could be sent',
} as const

export type DropReason = keyof typeof dropReasons
