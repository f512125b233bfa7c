/*
 * Where does the stack pointer of the calling thread point while a product runs? A signal's frame is
 * written below it, so anywhere but on the thread's own stack a signal overwrites what is not ours.
 *
 * A timer interrupts the thread every few microseconds. The handler works on a stack of its own,
 * which keeps the process alive whatever it finds, and counts the interruptions that found the
 * stack pointer outside of the thread's stack.
 *
 * ProductSignalsTest compiles it, with gcc -shared -fPIC -O2 -pthread, and StackWatch calls it.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

enum { HANDLER_STACK = 1 << 16, SIGNAL = SIGPROF };

static uintptr_t stack_low;
static uintptr_t stack_high;
static volatile long interruptions;
static volatile long outside;
static timer_t timer;
static void *handler_stack;

static void on_signal(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)info;
  uintptr_t pointer = (uintptr_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RSP];
  interruptions++;
  if (pointer < stack_low || pointer >= stack_high) {
    outside++;
  }
}

static int find_stack(void) {
  pthread_attr_t attributes;
  void *low;
  size_t size;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
    return -1;
  }
  int status = pthread_attr_getstack(&attributes, &low, &size);
  pthread_attr_destroy(&attributes);
  stack_low = (uintptr_t)low;
  stack_high = stack_low + size;
  return status;
}

/* Interrupts the calling thread from now on, every so many microseconds; 0, or -1 if that fails. */
int stack_watch_start(int microseconds) {
  interruptions = 0;
  outside = 0;
  handler_stack = malloc(HANDLER_STACK);
  stack_t stack = {.ss_sp = handler_stack, .ss_size = HANDLER_STACK};
  struct sigaction action = {.sa_sigaction = on_signal,
                             .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};
  sigemptyset(&action.sa_mask);
  struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGNAL};
  event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
  struct timespec period = {.tv_nsec = microseconds * 1000L};
  struct itimerspec every = {.it_interval = period, .it_value = period};
  if (handler_stack == NULL || find_stack() != 0 || sigaltstack(&stack, NULL) != 0 ||
      sigaction(SIGNAL, &action, NULL) != 0 ||
      timer_create(CLOCK_MONOTONIC, &event, &timer) != 0) {
    return -1;
  }
  return timer_settime(timer, 0, &every, NULL);
}

/* Interrupts no more. The same thread has to call. */
void stack_watch_stop(void) {
  timer_delete(timer);
  stack_t none = {.ss_flags = SS_DISABLE};
  sigaltstack(&none, NULL);
  free(handler_stack);
}

/* How often the thread was interrupted since the start. */
long stack_watch_interruptions(void) { return interruptions; }

/* How many interruptions found the stack pointer outside of the stack. */
long stack_watch_outside(void) { return outside; }

static void spin(void) {
  for (volatile int i = 0; i < 1000000; i++) {
  }
}

/* What a watch has to notice: works for a millisecond or so with the stack pointer in the heap. */
void stack_watch_stray(void) {
  ucontext_t here;
  ucontext_t there;
  getcontext(&there);
  there.uc_stack.ss_sp = malloc(HANDLER_STACK);
  there.uc_stack.ss_size = HANDLER_STACK;
  there.uc_link = &here;
  makecontext(&there, spin, 0);
  swapcontext(&here, &there);
  free(there.uc_stack.ss_sp);
}
