/* Arduino's core with nothing in it, so that the sketch links: what is then left out of its size
   is Arduino's share. */
#include <PDM.h>
#include <USB/PluggableUSBSerial.h>

arduino::USBSerial _SerialUSB;
PDMClass PDM;

void pinMode(pin_size_t, PinMode) {}
void digitalWrite(pin_size_t, PinStatus) {}
unsigned long millis() { return 0; }
void delay(unsigned long) {}

void arduino::USBSerial::begin(unsigned long) {}
bool arduino::USBSerial::connected() { return false; }
int arduino::USBSerial::available() { return 0; }
int arduino::USBSerial::read() { return -1; }
void arduino::USBSerial::send_nb(uint8_t *, uint32_t, uint32_t *, bool) {}

int PDMClass::begin(int, int) { return 1; }
int PDMClass::available() { return 0; }
int PDMClass::read(void *, size_t) { return 0; }
void PDMClass::onReceive(void (*)(void)) {}
