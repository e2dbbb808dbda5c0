#ifndef KWS_STUB_PLUGGABLE_USB_SERIAL_H
#define KWS_STUB_PLUGGABLE_USB_SERIAL_H

#include <Arduino.h>

/* The serial port over USB, see Arduino.h. */
namespace arduino
{
class USBSerial
{
  public:
    void begin(unsigned long baud);
    bool connected();
    int available();
    int read();
    void send_nb(uint8_t *buffer, uint32_t size, uint32_t *actual, bool now = true);
};
} // namespace arduino

extern arduino::USBSerial _SerialUSB;

#endif
