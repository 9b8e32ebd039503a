#ifndef DT_PINCTRL_H
#define DT_PINCTRL_H
#define FUNC_GPIO 0
#define FUNC_UART 1
#define FUNC_I2C 2
#define PINMUX(port, pin, func) (((port) * 16 + (pin)) << 8 | (func))
#define PINMUX_GROUP(name, ...) name##_pins: name##-pins { pins = <__VA_ARGS__>; };
#endif
