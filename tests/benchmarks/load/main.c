/* The load generator: one thread with epoll, small enough that it does not limit what it measures. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "measurements.h"

#define RESERVED_FILES 64
#define MAX_TOKEN_BYTES 2048

static const struct {
    const char *name, *help;
    void (*measure)(const struct options *options);
} measurements[] = {
    {"fan-out", "rooms under load: sends and deliveries per second, latency; checks every message", measure_fan_out},
    {"openings", "open --members connections, --at-once at a time, without joining", measure_openings},
    {"hold", "join and stay idle until the standard input ends, to measure the server's memory", hold_members},
    {"reconnect",
     "join, miss messages, lose a server that is killed and started again; when all are back",
     measure_reconnect},
    {"ceiling",
     "what this generator can receive, from a process that writes --in-flight frames at once",
     measure_ceiling},
};

#define MEASUREMENTS (sizeof measurements / sizeof *measurements)

enum option_code {
    DIALECT, PORT, TOKENS, MEMBERS, ROOMS, AT_ONCE, IN_FLIGHT, SECONDS, WARM_UP, SENDS, TEXT_BYTES, FRAME_BYTES, MISSED,
    TIMEOUT, PID, SERVER_CORE, HELP,
};

static const struct option long_options[] = {
    {"dialect", required_argument, NULL, DIALECT},
    {"port", required_argument, NULL, PORT},
    {"tokens", required_argument, NULL, TOKENS},
    {"members", required_argument, NULL, MEMBERS},
    {"rooms", required_argument, NULL, ROOMS},
    {"at-once", required_argument, NULL, AT_ONCE},
    {"in-flight", required_argument, NULL, IN_FLIGHT},
    {"seconds", required_argument, NULL, SECONDS},
    {"warm-up", required_argument, NULL, WARM_UP},
    {"sends", required_argument, NULL, SENDS},
    {"text-bytes", required_argument, NULL, TEXT_BYTES},
    {"frame-bytes", required_argument, NULL, FRAME_BYTES},
    {"missed", required_argument, NULL, MISSED},
    {"timeout", required_argument, NULL, TIMEOUT},
    {"pid", required_argument, NULL, PID},
    {"server-core", required_argument, NULL, SERVER_CORE},
    {"help", no_argument, NULL, HELP},
    {0},
};

static void print_help(void)
{
    puts("usage: load MEASUREMENT --port PORT [options]\n\nThe results are lines of JSON.\n\nmeasurements:");
    for (size_t i = 0; i < MEASUREMENTS; i++)
        printf("  %-12s %s\n", measurements[i].name, measurements[i].help);
    puts("\n--dialect, what the server speaks:");
    dialects_print();
    puts("\noptions (default):\n"
         "  --tokens FILE      one token per line; connection n uses line n modulo the number of lines\n"
         "  --members N        connections (500)\n"
         "  --rooms N          rooms with that many members each, named bench-00000 and so on, for fan-out (1)\n"
         "  --at-once N        how many of them are being opened at the same time (32)\n"
         "  --in-flight N      sends in flight in each room; one is in flight until every member has it (16)\n"
         "  --seconds S        length of the measurement; of reconnect, the longest wait (3)\n"
         "  --sends N          measure this number of sends instead\n"
         "  --warm-up S        load before the measurement (0.7)\n"
         "  --text-bytes N     length of a message's text (100)\n"
         "  --frame-bytes N    choose the text so that the delivered frame has this length\n"
         "  --missed N         messages that each client misses, for reconnect (20)\n"
         "  --timeout S        a server that is silent for this long has failed (15)\n"
         "  --pid PID          measure the CPU time of this process too; may be repeated\n"
         "  --server-core N    core of the writing process, for ceiling (0)\n\n"
         "examples:\n"
         "  load fan-out --dialect cloudchat --port 8000 --tokens tokens.txt --pid $(pidof cloudchat)\n"
         "  load fan-out --dialect websocket --port 9000 --in-flight 1 --frame-bytes 330\n"
         "  load openings --dialect cloudchat --port 8000 --tokens tokens.txt --members 2000 --at-once 1");
}

static void read_tokens(struct target *target, const char *path)
{
    FILE *file = fopen(path, "r");
    char line[MAX_TOKEN_BYTES];
    if (file == NULL)
        fail("cannot read %s", path);
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\r\n")] = '\0';
        target->tokens = realloc(target->tokens, (target->token_count + 1) * sizeof *target->tokens);
        if (target->tokens == NULL || (target->tokens[target->token_count++] = strdup(line)) == NULL)
            fail("out of memory");
    }
    fclose(file);
    if (target->token_count == 0)
        fail("%s has no tokens", path);
}

static double number(const char *text)
{
    char *end;
    double value = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || value < 0)
        fail("`%s` is not a number; see load --help", text);
    return value;
}

static unsigned positive(const char *text)
{
    double value = number(text);
    if (value < 1 || value > 10000000)
        fail("`%s` is out of bounds; see load --help", text);
    return (unsigned)value;
}

static void take_option(struct options *options, int option)
{
    switch (option) {
    case DIALECT: options->target.dialect = dialect_named(optarg); break;
    case PORT: options->target.port = (int)positive(optarg); break;
    case TOKENS: read_tokens(&options->target, optarg); break;
    case MEMBERS: options->members = positive(optarg); break;
    case ROOMS: options->rooms = positive(optarg); break;
    case AT_ONCE: options->at_once = positive(optarg); break;
    case IN_FLIGHT: options->in_flight = positive(optarg); break;
    case SECONDS: options->seconds = number(optarg); break;
    case WARM_UP: options->warm_up_seconds = number(optarg); break;
    case SENDS: options->sends = positive(optarg); break;
    case TEXT_BYTES: options->text_bytes = positive(optarg); break;
    case FRAME_BYTES: options->frame_bytes = positive(optarg); break;
    case MISSED: options->missed = positive(optarg); break;
    case TIMEOUT: options->target.timeout_ns = (uint64_t)(number(optarg) * 1e9); break;
    case SERVER_CORE: options->server_core = (int)number(optarg); break;
    case PID:
        if (options->processes.count == MAX_PROCESSES)
            fail("more than %d processes", MAX_PROCESSES);
        options->processes.pids[options->processes.count++] = (int)positive(optarg);
        break;
    case HELP: print_help(); exit(0);
    default: fail("see load --help");
    }
}

int main(int count, char **arguments)
{
    struct options options = {
        .target = {.dialect = dialect_named("websocket"), .timeout_ns = 15000000000u},
        .members = 500,
        .rooms = 1,
        .at_once = 32,
        .in_flight = 16,
        .missed = 20,
        .text_bytes = 100,
        .seconds = 3,
        .warm_up_seconds = 0.7,
    };
    int option;
    while ((option = getopt_long(count, arguments, "", long_options, NULL)) != -1)
        take_option(&options, option);
    if (optind + 1 != count)
        fail("name one measurement; see load --help");
    for (size_t i = 0; i < MEASUREMENTS; i++)
        if (strcmp(measurements[i].name, arguments[optind]) == 0) {
            allow_files(options.rooms * options.members + RESERVED_FILES);
            options.target.poll = epoll_create1(EPOLL_CLOEXEC);
            measurements[i].measure(&options);
            return 0;
        }
    fail("no measurement `%s`; see load --help", arguments[optind]);
}
