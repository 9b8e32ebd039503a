#ifndef DT_CLOCK_TABLE_H
#define DT_CLOCK_TABLE_H
#define CLK_REF 0
#define CLK_UART0 1
#define CLK_UART1 2
#define CLOCK_ENTRY(id, rate) <id (rate * 1000000)>
#define CLOCK_TABLE clock-table = CLOCK_ENTRY(CLK_REF, 24), CLOCK_ENTRY(CLK_UART0, 48), CLOCK_ENTRY(CLK_UART1, 48);
#define MEMORY_SIZE(mb) ((mb) << 20)
#endif
