#ifndef KWS_PROCESSOR_H
#define KWS_PROCESSOR_H

/* Lets the counter of cycles run, which kws_port_counter reads, and turns on the cache of
   instructions, which is off after a reset: without it code in flash makes the processor wait. */
void kws_processor_prepare(void);

#endif
