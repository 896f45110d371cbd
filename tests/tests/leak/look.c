/*
 * Looks for the secrets of a secret page wherever else they might be. In C, since it maps memory and traces threads.
 *
 *   look process PID...     standard input says which file the page is; the first process is the agent, which is stopped,
 *                           the others are its helpers. Reads the page by a descriptor that it takes from the agent, and
 *                           looks into all that they have mapped but the page, and into the registers of every thread.
 *   look files FILE...      standard input has values in hex, one a line
 *   look pageout PID        has the kernel write all that it may of the process to swap
 *
 * What it finds it prints, a line each:
 *   value HEX               a value that is in the page
 *   page KIND               whether the process's own mapping of the page can be read by others: `readable`, `unreadable`
 *   keeper waits | works    whether the thread that computes with secrets waits for something to do
 *   depth BYTES             how much of a mapping of the keeper's stack is not zeroes, from its top on
 *   searched PLACE BYTES    how much was looked at
 *   hit PLACE VALUE WORD    8 bytes of a value are there
 *   out BYTES
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* The page's layout: agent/src/page/slots.rs and `Secrets` in continuity/src/state.rs. */
enum { PAGE = 4096, MAGIC_AT = 0, SECRETS = 33, BLOCK = 2 + SECRETS * 4 + 2, FIRST = 8 };
static const uint64_t VERSION = 1;

static uint8_t values[1 << 16][32];
static size_t count;
/* The words of all values, hashed by their own low bits: they are random. */
enum { BUCKETS = 1 << 20 };
static uint64_t words[BUCKETS];
static uint32_t owners[BUCKETS];

static void die(const char *what, ...) {
    va_list rest;
    va_start(rest, what);
    vfprintf(stderr, what, rest);
    va_end(rest);
    fprintf(stderr, ": %s\n", strerror(errno));
    exit(1);
}

static void take(const uint8_t *value) {
    static const uint8_t none[32];
    if (!memcmp(value, none, 32)) return;
    for (size_t i = 0; i < count; i++)
        if (!memcmp(values[i], value, 32)) return;
    if (count == sizeof values / 32) die("more values than there is room for");
    memcpy(values[count], value, 32);
    for (int part = 0; part < 4; part++) {
        uint64_t word;
        memcpy(&word, value + 8 * part, 8);
        size_t at = word % BUCKETS;
        while (words[at]) at = (at + 1) % BUCKETS;
        words[at] = word;
        owners[at] = count * 4 + part;
    }
    count++;
}

static void search(const char *place, const uint8_t *bytes, size_t length) {
    for (size_t at = 0; at + 8 <= length; at++) {
        uint64_t word;
        memcpy(&word, bytes + at, 8);
        if (!word) continue;
        for (size_t i = word % BUCKETS; words[i]; i = (i + 1) % BUCKETS)
            if (words[i] == word) printf("hit %s %u %u\n", place, owners[i] / 4, owners[i] % 4);
    }
}

/* Reads through `fd` in pieces that overlap, so that nothing falls between two. What can't be read is passed over. */
static size_t search_range(const char *place, int fd, uint64_t from, uint64_t to) {
    static uint8_t piece[7 + (1 << 20)];
    size_t kept = 0, searched = 0;
    while (from < to) {
        size_t want = to - from < 1 << 20 ? to - from : 1 << 20;
        ssize_t got = pread(fd, piece + kept, want, from);
        if (got == 0) break;
        if (got < 0) {
            from = (from / PAGE + 1) * PAGE;
            kept = 0;
            continue;
        }
        search(place, piece, kept + got);
        size_t have = kept + got;
        from += got;
        searched += got;
        kept = have < 7 ? have : 7;
        memmove(piece, piece + have - kept, kept);
    }
    return searched;
}

struct thread {
    int tid, waits;
    /* where its stack pointer is, and where that stack begins */
    uint64_t sp, stack;
    char name[16];
};
/* A thread that Rust's standard library parks waits while a word is this: std/src/sys/sync/thread_parking/futex.rs. One that
 * wakes another, or waits for the allocator's lock, is in the same system call, and in the middle of its work. */
static const uint32_t PARKED = UINT32_MAX;
/* Of every thread but the first, in bytes: std/src/sys/thread/unix.rs, DEFAULT_MIN_STACK_SIZE. */
enum { STACK = 2 << 20 };
static struct thread threads[256];
static int thread_count;

static FILE *open_file(const char *mode, const char *name, ...) {
    char path[128];
    va_list rest;
    va_start(rest, name);
    vsnprintf(path, sizeof path, name, rest);
    va_end(rest);
    FILE *file = fopen(path, mode);
    if (!file) die("%s", path);
    return file;
}

static int open_process(int pid) {
    int process = syscall(SYS_pidfd_open, pid, 0);
    if (process < 0) die("pidfd_open %d", pid);
    return process;
}

/* Takes hold of every thread, and sees what each is at. */
static void hold_threads(int pid) {
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", pid);
    DIR *tasks = opendir(path);
    if (!tasks) die("%s", path);
    thread_count = 0;
    for (struct dirent *task; (task = readdir(tasks));) {
        if (task->d_name[0] == '.') continue;
        if (thread_count == sizeof threads / sizeof *threads) die("too many threads");
        struct thread *thread = &threads[thread_count++];
        thread->tid = atoi(task->d_name);
        if (ptrace(PTRACE_SEIZE, thread->tid, 0, 0)) die("PTRACE_SEIZE %d", thread->tid);
        if (ptrace(PTRACE_INTERRUPT, thread->tid, 0, 0)) die("PTRACE_INTERRUPT %d", thread->tid);
        if (waitpid(thread->tid, NULL, __WALL) < 0) die("waitpid %d", thread->tid);
        FILE *file = open_file("r", "/proc/%d/task/%d/comm", pid, thread->tid);
        if (fscanf(file, "%15s", thread->name) != 1) die("no name");
        fclose(file);
        file = open_file("r", "/proc/%d/task/%d/syscall", pid, thread->tid);
        char line[512] = "";
        if (!fgets(line, sizeof line, file)) die("no system call");
        fclose(file);
        /* the call's number (or -1), its arguments, the stack, the instruction */
        unsigned operation = 0, value = 0;
        long call = -1;
        sscanf(line, "%ld %*x %x %x", &call, &operation, &value);
        thread->waits = call == SYS_futex && (operation & FUTEX_CMD_MASK) == FUTEX_WAIT_BITSET && value == PARKED;
        char *last = strrchr(line, ' ');
        if (!last) die("thread %d of %d is not stopped: %s", thread->tid, pid, line);
        *last = 0;
        thread->sp = strtoull(strrchr(line, ' '), NULL, 16);
    }
    closedir(tasks);
}

static size_t search_registers(const char *whose) {
    size_t searched = 0;
    for (struct thread *thread = threads; thread < threads + thread_count; thread++) {
#ifdef __x86_64__
        const long sets[] = {NT_PRSTATUS, NT_X86_XSTATE};
#else
        const long sets[] = {NT_PRSTATUS, NT_FPREGSET};
#endif
        for (int i = 0; i < 2; i++) {
            char place[64];
            snprintf(place, sizeof place, "%s%s:%s", whose, i ? "vector" : "general", thread->name);
            static uint8_t set[1 << 16];
            struct iovec vector = {set, sizeof set};
            if (ptrace(PTRACE_GETREGSET, thread->tid, sets[i], &vector)) die("PTRACE_GETREGSET %ld", sets[i]);
            search(place, set, vector.iov_len);
            searched += vector.iov_len;
        }
    }
    return searched;
}

struct mapping {
    uint64_t from, to, inode;
    dev_t device;
    int readable, heap;
};
static struct mapping mappings[4096];
static int mapping_count;

static void read_maps(int pid) {
    FILE *maps = open_file("r", "/proc/%d/maps", pid);
    mapping_count = 0;
    for (char line[4352]; fgets(line, sizeof line, maps);) {
        if (mapping_count == sizeof mappings / sizeof *mappings) die("too many mappings");
        struct mapping *at = &mappings[mapping_count++];
        unsigned major_, minor_;
        char rights[8], name[4096] = "";
        if (sscanf(line, "%lx-%lx %7s %*x %x:%x %lu %4095[^\n]", &at->from, &at->to, rights, &major_, &minor_, &at->inode,
                   name) < 6)
            die("a line of %d's maps: %s", pid, line);
        at->device = makedev(major_, minor_);
        at->readable = rights[0] == 'r' && !strstr(name, "[vvar") && !strstr(name, "[vsyscall]");
        at->heap = strstr(name, "[heap]") != NULL;
    }
    fclose(maps);
}

/* Finds where the stack of each thread begins: above its guard, which can't be read. */
static void find_stacks(void) {
    for (struct thread *thread = threads; thread < threads + thread_count; thread++) {
        uint64_t from = 0, last = 0;
        thread->stack = UINT64_MAX;
        for (struct mapping *at = mappings; at < mappings + mapping_count; at++) {
            if (!at->readable || at->inode) continue;
            if (at->from != last) from = at->from;
            last = at->to;
            if (at->from <= thread->sp && thread->sp < at->to) thread->stack = from;
        }
    }
}

/* Whether a mapping is of a thread's stack: what is locked of it is a mapping of its own, between two others. The main
 * thread's is one mapping. */
static int is_stack(const struct mapping *at, const struct thread *thread) {
    if (at->from <= thread->sp && thread->sp < at->to) return 1;
    return !at->inode && thread->stack <= at->from && at->to - thread->stack <= STACK;
}

/* How far down from its end a mapping has anything but zeroes. */
static uint64_t depth(int memory, uint64_t from, uint64_t to) {
    static uint64_t piece[PAGE / 8];
    for (uint64_t at = from; at < to; at += PAGE) {
        if (pread(memory, piece, PAGE, at) != PAGE) continue;
        for (int i = 0; i < PAGE / 8; i++)
            if (piece[i]) return to - at - 8 * i;
    }
    return 0;
}

static void look_into(int pid, const struct stat *page) {
    const char *whose = page ? "" : "helper:";
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/mem", pid);
    int memory = open(path, O_RDONLY);
    if (memory < 0) die("%s", path);
    hold_threads(pid);
    size_t pages = 0, keeper = 0;
    read_maps(pid);
    find_stacks();
    for (struct mapping *at = mappings; at < mappings + mapping_count; at++) {
        if (page && at->inode == page->st_ino && at->device == page->st_dev) {
            uint8_t byte;
            printf("page %s\n", pread(memory, &byte, 1, at->from) == 1 ? "readable" : "unreadable");
            pages++;
            continue;
        }
        if (!at->readable) continue;
        char place[64];
        snprintf(place, sizeof place, "%s%s", whose, at->inode ? "file-backed" : at->heap ? "heap" : "anonymous");
        for (struct thread *thread = threads; thread < threads + thread_count; thread++)
            if (is_stack(at, thread)) {
                snprintf(place, sizeof place, "%sstack:%s", whose, thread->name);
                if (!page || strcmp(thread->name, "keeper")) continue;
                keeper += at->to - at->from;
                printf("depth %lu\n", depth(memory, at->from, at->to));
            }
        printf("searched %s %zu\n", place, search_range(place, memory, at->from, at->to));
    }
    if (page && pages != 1) die("the page is mapped %zu times", pages);
    for (struct thread *thread = threads; page && thread < threads + thread_count; thread++)
        if (!strcmp(thread->name, "keeper")) {
            if (keeper != STACK) die("the keeper's stack has %zu bytes", keeper);
            printf("keeper %s\n", thread->waits ? "waits" : "works");
        }
    printf("searched %sregisters %zu\n", whose, search_registers(whose));
    for (struct thread *thread = threads; thread < threads + thread_count; thread++)
        if (ptrace(PTRACE_DETACH, thread->tid, 0, 0)) die("PTRACE_DETACH %d", thread->tid);
    close(memory);
}

/* The process's own descriptor of the page, taken from it: what root can do even with memory that nobody else can read. */
static int taken_from(int pid, const struct stat *page) {
    int process = open_process(pid);
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/fd", pid);
    DIR *files = opendir(path);
    if (!files) die("%s", path);
    for (struct dirent *file; (file = readdir(files));) {
        if (file->d_name[0] == '.') continue;
        struct stat found;
        int fd = syscall(SYS_pidfd_getfd, process, atoi(file->d_name), 0);
        if (fd < 0) die("pidfd_getfd %s of %d", file->d_name, pid);
        if (!fstat(fd, &found) && found.st_ino == page->st_ino && found.st_dev == page->st_dev) return fd;
        close(fd);
    }
    errno = ENOENT;
    die("the page among the descriptors of %d", pid);
    return -1;
}

static void read_page(int pid, struct stat *page) {
    if (fstat(0, page)) die("the page");
    const uint64_t *words = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, taken_from(pid, page), 0);
    if (words == MAP_FAILED) die("mmap of the page");
    if (memcmp(&words[MAGIC_AT], "selfsame", 8) || words[1] != VERSION) die("a page of another layout");
    for (int block = 0; block < 3; block++) {
        /* number and checksum stand before the secrets; the scratch, which is last, has none */
        const uint8_t *from = (const uint8_t *)&words[FIRST + block * BLOCK + (block < 2 ? 2 : 0)];
        for (int i = 0; i < SECRETS; i++) take(from + 32 * i);
    }
    for (size_t i = 0; i < count; i++) {
        printf("value ");
        for (int byte = 0; byte < 32; byte++) printf("%02x", values[i][byte]);
        printf("\n");
    }
}

static void read_values(void) {
    for (char line[80]; fgets(line, sizeof line, stdin);) {
        uint8_t value[32];
        for (int i = 0; i < 32; i++)
            if (sscanf(line + 2 * i, "%2hhx", &value[i]) != 1) die("a value: %s", line);
        take(value);
    }
}

static void page_out(int pid) {
    int process = open_process(pid);
    size_t out = 0;
    read_maps(pid);
    for (struct mapping *at = mappings; at < mappings + mapping_count; at++) {
        struct iovec range = {(void *)at->from, at->to - at->from};
        /* a mapping that is locked, or the kernel's own, is refused */
        ssize_t got = syscall(SYS_process_madvise, process, &range, 1, MADV_PAGEOUT, 0);
        if (got > 0) out += got;
    }
    printf("out %zu\n", out);
}

int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    if (!strcmp(what, "process") && argc > 2) {
        struct stat page;
        read_page(atoi(argv[2]), &page);
        for (int i = 2; i < argc; i++) look_into(atoi(argv[i]), i == 2 ? &page : NULL);
    } else if (!strcmp(what, "files")) {
        read_values();
        for (int i = 2; i < argc; i++) {
            int fd = open(argv[i], O_RDONLY);
            if (fd < 0) die("%s", argv[i]);
            /* what is on the disk: a swap file is written behind the cache's back */
            posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
            /* without holes: a history has one of a GiB */
            for (off_t from = 0, to; (from = lseek(fd, from, SEEK_DATA)) >= 0; from = to) {
                if ((to = lseek(fd, from, SEEK_HOLE)) < 0) die("%s", argv[i]);
                printf("searched file %zu\n", search_range("file", fd, from, to));
            }
            if (errno != ENXIO) die("%s", argv[i]);
        }
    } else if (!strcmp(what, "pageout") && argc == 3) {
        page_out(atoi(argv[2]));
    } else {
        fprintf(stderr, "usage: look process PID... | look files FILE... | look pageout PID\n");
        return 2;
    }
    return fflush(stdout) ? 1 : 0;
}
