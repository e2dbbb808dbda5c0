/* Calls one function of the program it is linked into and times it, for QEMU. What to call stands
   in the file "request", what came of it is written to "reply", both in QEMU's folder on the host,
   read and written by semihosting (Arm, "Semihosting for AArch32 and AArch64", 2023Q3). */
#include <stddef.h>
#include <stdint.h>

#define KWS_TIMER ((volatile uint32_t *)0x40000000) /* CMSDK timer 0 of the mps2-an386, 25 MHz */

enum { KWS_OPEN = 0x01, KWS_WRITE = 0x05, KWS_READ = 0x06, KWS_EXIT = 0x20 };
enum { KWS_READ_BINARY = 1, KWS_WRITE_BINARY = 5 };
enum { KWS_APPLICATION_EXIT = 0x20026 };

typedef uint32_t function(uint32_t, uint32_t, uint32_t, uint32_t);

/* Words of the file "request", which the bytes of the input follow. */
struct request {
    function *called;
    uint32_t arguments[4];
    unsigned char *input;
    uint32_t input_size;
    const unsigned char *output;
    uint32_t output_size;
};

/* Words of the file "reply", which the bytes of the output follow. */
struct reply {
    uint32_t value;
    uint32_t ticks;          /* of the timer, for the call */
    uint32_t overhead_ticks; /* for the call of a function that returns at once */
};

int main(void);
void kws_halt(void);

static uint32_t ask_host(uint32_t operation, const void *parameters)
{
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = parameters;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t open_file(const char *name, uint32_t length, uint32_t mode)
{
    const uint32_t parameters[] = {(uint32_t)name, mode, length};
    return ask_host(KWS_OPEN, parameters);
}

/* Ends QEMU unless the host read or wrote all of it. */
static void transfer(uint32_t operation, uint32_t file, const void *data, uint32_t size)
{
    const uint32_t parameters[] = {file, (uint32_t)data, size};
    if (size && ask_host(operation, parameters))
        kws_halt();
}

static void leave(uint32_t status)
{
    const uint32_t parameters[] = {KWS_APPLICATION_EXIT, status};
    ask_host(KWS_EXIT, parameters);
}

/* Replaces that of the start-up code: every fault leads here, and QEMU ends instead of hanging. */
void kws_halt(void)
{
    leave(1);
    for (;;)
        ;
}

__attribute__((naked)) static uint32_t return_at_once(__attribute__((unused)) uint32_t a,
                                                      __attribute__((unused)) uint32_t b,
                                                      __attribute__((unused)) uint32_t c,
                                                      __attribute__((unused)) uint32_t d)
{
    __asm__("bx lr");
}

/* Ticks from before to after a call; the same instructions around whatever is called. */
__attribute__((noinline)) static uint32_t timed(function *called, const uint32_t *arguments,
                                                uint32_t *value)
{
    const uint32_t before = KWS_TIMER[1];
    *value = called(arguments[0], arguments[1], arguments[2], arguments[3]);
    return before - KWS_TIMER[1]; /* it counts down */
}

int main(void)
{
    struct request request = {0};
    struct reply reply = {0};
    uint32_t ignored;
    const uint32_t from = open_file("request", 7, KWS_READ_BINARY);
    transfer(KWS_READ, from, &request, sizeof request);
    transfer(KWS_READ, from, request.input, request.input_size);
    KWS_TIMER[2] = UINT32_MAX; /* reload */
    KWS_TIMER[1] = UINT32_MAX; /* value */
    KWS_TIMER[0] = 1;          /* enable */
    reply.overhead_ticks = timed(return_at_once, request.arguments, &ignored);
    reply.ticks = timed(request.called, request.arguments, &reply.value);
    const uint32_t to = open_file("reply", 5, KWS_WRITE_BINARY);
    transfer(KWS_WRITE, to, &reply, sizeof reply);
    transfer(KWS_WRITE, to, request.output, request.output_size);
    leave(0);
    return 0;
}
