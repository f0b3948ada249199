/* Holds a pod's namespaces: does nothing until it is told to end. */
#include <signal.h>
#include <unistd.h>

static void end(int signal) { _exit(0); (void)signal; }

int main(void) {
  signal(SIGINT, end);
  signal(SIGTERM, end);
  for (;;) pause();
}
