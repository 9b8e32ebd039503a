/*
 * A team's own heap, as firmware has it: first fit over one arena, a header in front of each block, a list of free blocks by rising address that are joined when
 * one comes back. -DFAULT=n builds it with one of the faults below.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FAULT_NONE 0
#define FAULT_LOSES_THE_REST 1   /* what a block that fits has too much is forgotten, now and then */
#define FAULT_SHORT_BY_A_HEADER 2 /* a block is as long as asked, header included */
#define FAULT_NEVER_JOINS 3      /* free neighbours stay apart */
#define FAULT_ENDS_TOO_LATE 4    /* the arena is taken for 64 bytes longer than it is */
#define FAULT_OVERFLOWS 5        /* the size of a request is rounded up without a look at its end */
#define FAULT_CALLOC_SKIPS 6     /* the last word of a zeroed block is left as it was */

#ifndef FAULT
#define FAULT FAULT_NONE
#endif

#define ALIGNMENT 16u
#define TAKEN 0x4b4d454d4845u

struct block {
    size_t bytes;       /* with the header */
    union {
        struct block *next; /* while free */
        uintptr_t owner;    /* TAKEN ^ address while taken */
    };
};

struct heap {
    unsigned char *arena;
    size_t size;
    size_t free_bytes;
    unsigned calls;
    struct block *free;
};

struct heap *heap_create(size_t size);
void heap_destroy(struct heap *heap);
uintptr_t heap_arena(const struct heap *heap);
size_t heap_free_bytes(const struct heap *heap);
void *heap_alloc(struct heap *heap, size_t bytes);
void *heap_zalloc(struct heap *heap, size_t bytes);
int heap_free(struct heap *heap, uintptr_t address);

struct heap *heap_create(size_t size)
{
    struct heap *heap = calloc(1, sizeof *heap);
    size_t managed = size + (FAULT == FAULT_ENDS_TOO_LATE ? 64 : 0);
    /* There is always room behind it, so that a fault is the suite's to find and not the host's. */
    heap->arena = aligned_alloc(4096, (managed + 8191) & ~(size_t)4095);
    heap->size = size;
    heap->free_bytes = managed;
    heap->free = (struct block *)heap->arena;
    heap->free->bytes = managed;
    heap->free->next = NULL;
    return heap;
}

void heap_destroy(struct heap *heap)
{
    free(heap->arena);
    free(heap);
}

uintptr_t heap_arena(const struct heap *heap) { return (uintptr_t)heap->arena; }

size_t heap_free_bytes(const struct heap *heap) { return heap->free_bytes; }

static size_t room_for(size_t bytes)
{
    size_t header = FAULT == FAULT_SHORT_BY_A_HEADER ? 0 : sizeof(struct block);
    if (FAULT != FAULT_OVERFLOWS && bytes > SIZE_MAX - header - ALIGNMENT)
        return 0;
    bytes = (bytes + header + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    return bytes < 2 * ALIGNMENT ? 2 * ALIGNMENT : bytes;
}

void *heap_alloc(struct heap *heap, size_t bytes)
{
    size_t room = room_for(bytes);
    struct block **link = &heap->free;
    heap->calls++;
    while (room != 0 && *link != NULL && (*link)->bytes < room)
        link = &(*link)->next;
    struct block *block = *link;
    if (room == 0 || block == NULL)
        return NULL;
    if (block->bytes - room >= 2 * ALIGNMENT) {
        struct block *rest = (struct block *)((unsigned char *)block + room);
        rest->bytes = block->bytes - room;
        rest->next = block->next;
        block->bytes = room;
        *link = rest;
        if (FAULT == FAULT_LOSES_THE_REST && heap->calls % 97 == 0)
            *link = rest->next;
    } else {
        *link = block->next;
    }
    heap->free_bytes -= block->bytes;
    block->owner = TAKEN ^ (uintptr_t)block;
    return block + 1;
}

void *heap_zalloc(struct heap *heap, size_t bytes)
{
    void *item = heap_alloc(heap, bytes);
    if (item != NULL)
        memset(item, 0, FAULT == FAULT_CALLOC_SKIPS && bytes > 8 ? bytes - 8 : bytes);
    return item;
}

static void join(struct block *block)
{
    struct block *next = block->next;
    if (FAULT != FAULT_NEVER_JOINS && next != NULL && (unsigned char *)block + block->bytes == (unsigned char *)next) {
        block->bytes += next->bytes;
        block->next = next->next;
    }
}

int heap_free(struct heap *heap, uintptr_t address)
{
    struct block *block = (struct block *)address - 1;
    struct block *before = NULL;
    uintptr_t arena = (uintptr_t)heap->arena;
    if (address < arena + sizeof *block || address >= arena + heap->size || address % ALIGNMENT != 0 || block->owner != (TAKEN ^ (uintptr_t)block))
        return 0;
    for (struct block *at = heap->free; at != NULL && at < block; at = at->next)
        before = at;
    heap->free_bytes += block->bytes;
    block->next = before == NULL ? heap->free : before->next;
    if (before == NULL)
        heap->free = block;
    else
        before->next = block;
    join(block);
    if (before != NULL)
        join(before);
    return 1;
}
