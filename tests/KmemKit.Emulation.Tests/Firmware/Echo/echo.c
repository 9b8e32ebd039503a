/* Shows that images come in and results go out: reports each image's bytes turned round, in pieces, and where the program is. */
#include "Common/emulation.h"

extern char code_start[], program_end[];

void program(void)
{
    const unsigned char *image = (const unsigned char *)IMAGE_ADDRESS;
    static unsigned char piece[4096];
    uint32_t place[2] = { (uint32_t)(uintptr_t)code_start, (uint32_t)(uintptr_t)program_end };

    report(place, sizeof place);
    for (size_t at = 0; at < IMAGE_SIZE; at += sizeof piece)
    {
        for (size_t i = 0; i < sizeof piece; i++)
            piece[i] = (unsigned char)~image[at + i];
        report(piece, sizeof piece);
    }
#ifdef EXIT_CODE
    finish(EXIT_CODE);
#endif
}
