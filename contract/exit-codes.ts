/** Exit codes, after sysexits.h where it has one. */
export const exitCodes = {
  ok: { code: 0, meaning: 'all went well' },
  failure: { code: 1, meaning: 'something failed; the last line on standard error says what' },
  blindSpots: {
    code: 2,
    meaning: '`vxtap status --fail-on-blind-spots` found pods that ask for a tap and have none, or an old one',
  },
  usage: { code: 64, meaning: 'the command line is wrong (EX_USAGE)' },
  dataErr: {
    code: 65,
    meaning: 'the input is wrong: a manifest that is not YAML, a capture file that is not one (EX_DATAERR)',
  },
  noInput: { code: 66, meaning: 'an input file cannot be read (EX_NOINPUT)' },
  unavailable: {
    code: 69,
    meaning:
      'the API server cannot be reached, or what was asked for cannot be done on this interface or this kernel (EX_UNAVAILABLE)',
  },
  osErr: { code: 71, meaning: 'the kernel refused, or did not do what it acknowledged (EX_OSERR)' },
  cannotCreate: {
    code: 73,
    meaning: "something of somebody else's is already there, and was left alone (EX_CANTCREAT)",
  },
  noPermission: {
    code: 77,
    meaning: 'a privilege is missing, for instance NET_RAW, or a right in the cluster (EX_NOPERM)',
  },
  config: {
    code: 78,
    meaning: 'a setting is wrong, or the kubeconfig; each is named, with its value and what is allowed (EX_CONFIG)',
  },
} as const
