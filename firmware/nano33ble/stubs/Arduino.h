#ifndef KWS_STUB_ARDUINO_H
#define KWS_STUB_ARDUINO_H

#include <stddef.h>
#include <stdint.h>

/* What the sketch uses of Arduino's core for mbed boards, as it is declared there, so that the
   sketch can be compiled, and run, without it. */

typedef uint8_t pin_size_t;
enum PinStatus { LOW, HIGH };
enum PinMode { INPUT, OUTPUT };

#define LEDR (22u)
#define LEDG (23u)
#define LEDB (24u)

void pinMode(pin_size_t pin, PinMode mode);
void digitalWrite(pin_size_t pin, PinStatus value);
unsigned long millis();
void delay(unsigned long ms);

void setup();
void loop();

#endif
