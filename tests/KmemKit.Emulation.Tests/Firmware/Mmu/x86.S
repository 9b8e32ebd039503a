/* Accesses that may raise an exception, in both rings, and the way back. */
#ifdef __x86_64__
#define AX %rax
#define CX %rcx
#define DX %rdx
#define SP %rsp
#define WORD 8
#else
#define AX %eax
#define CX %ecx
#define DX %edx
#define SP %esp
#define WORD 4
#endif
    .text
    /* Registers that a function keeps go onto the stack, and where that is into 'resume'; the arguments into CX, AX, DX. */
    .macro prepare
#ifdef __x86_64__
    push %rbx
    push %rbp
    push %r12
    push %r13
    push %r14
    push %r15
    mov %rdi, %rcx
    mov %rsi, %rax
#else
    push %ebx
    push %ebp
    push %esi
    push %edi
    mov 20(%esp), %ecx
    mov 24(%esp), %eax
    mov 28(%esp), %edx
#endif
    mov SP, resume
    .endm

    .macro set_flags
    push AX
#ifdef __x86_64__
    popfq
#else
    popfl
#endif
    .endm

    .global ring0_load
ring0_load:
    prepare
    set_flags
    movl (CX), %eax
    jmp nothing_raised

    .global ring0_store
ring0_store:
    prepare
    set_flags
    movl %edx, (CX)
nothing_raised:
    mov AX, trap_value
    xor %eax, %eax
    jmp back

    .global ring0_jump
ring0_jump:
    prepare
    set_flags
    jmp *CX

    .global ring3_jump
ring3_jump:
    prepare
    /* The target is in AX, the code in CX. */
    mov SP, resume
    push $(32 + 3)
    push $0
    push $2
    push $(24 + 3)
    push CX
    mov AX, CX
#ifdef __x86_64__
    iretq
#else
    mov $(32 + 3), %eax
    mov %eax, %ds
    mov %eax, %es
    iretl
#endif

    .global spin
spin:
    jmp spin

    /* The stack holds an error code, or none. */
    .global trap_13, trap_14, trap_128, trap_other
trap_13:
    mov AX, trap_value
    mov $13, %eax
    jmp with_error
trap_14:
    mov AX, trap_value
    mov $14, %eax
with_error:
    pop DX
    jmp taken
trap_128:
    mov AX, trap_value
    mov $0x80, %eax
    xor %edx, %edx
    jmp taken
trap_other:
    mov $0xff, %eax
    xor %edx, %edx
taken:
    mov $16, %ecx
    mov %ecx, %ds
    mov %ecx, %es
    mov DX, trap_error
    mov %cr2, DX
    mov DX, trap_address
back:
    mov resume, SP
    /* AC and the direction flag clear again. */
    push $2
#ifdef __x86_64__
    popfq
    pop %r15
    pop %r14
    pop %r13
    pop %r12
    pop %rbp
    pop %rbx
#else
    popfl
    pop %edi
    pop %esi
    pop %ebp
    pop %ebx
#endif
    cld
    ret

    .data
    .balign 8
resume:
    .skip 8

    /* Mapped for ring 3. */
    .section .data.stubs, "aw"
    .balign 4096
    .global user_stubs, user_load, user_store
user_stubs:
user_load:
    movl (CX), %eax
    int $0x80
user_store:
    movl %edx, (CX)
    int $0x80
    .balign 4096
