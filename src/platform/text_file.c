#include "platform/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum etd_text_file_result refuse(struct etd_text_file *file, const char *why)
{
    snprintf(file->why, sizeof file->why, "%s", why);
    return ETD_TEXT_FILE_REFUSED;
}

static enum etd_text_file_result refuse_errno(struct etd_text_file *file)
{
    bool absent = errno == ENOENT || errno == ENOTDIR;
    snprintf(file->why, sizeof file->why, "the file cannot be read: %s", strerror(errno));
    return absent ? ETD_TEXT_FILE_ABSENT : ETD_TEXT_FILE_REFUSED;
}

static enum etd_text_file_result check_kind(struct etd_text_file *file, int fd)
{
    struct stat status;
    if (fstat(fd, &status) != 0)
        return refuse_errno(file);
    if (S_ISDIR(status.st_mode))
        return refuse(file, "this is a folder; give the path of a file");
    if (!S_ISREG(status.st_mode))
        return refuse(file, "this is no regular file; give the path of a file");
    return ETD_TEXT_FILE_OK;
}

/* Reads to the end, whatever size the file was said to have. */
static enum etd_text_file_result read_all(struct etd_text_file *file, int fd,
                                          const struct etd_memory *memory)
{
    size_t capacity = 0;
    for (;;) {
        if (file->size == capacity) {
            capacity = capacity == 0 ? 4096 : 2 * capacity;
            uint8_t *data = etd_memory_resize(memory, file->data, capacity);
            if (data == NULL)
                return ETD_TEXT_FILE_NO_MEMORY;
            file->data = data;
        }
        ssize_t got = read(fd, file->data + file->size, capacity - file->size);
        if (got == 0)
            return ETD_TEXT_FILE_OK;
        if (got < 0 && errno != EINTR)
            return refuse_errno(file);
        if (got > 0)
            file->size += (size_t)got;
        if (file->size > ETD_TEXT_FILE_MAX)
            return refuse(file, "the file is larger than 1 MiB; no configuration is");
    }
}

enum etd_text_file_result etd_text_file_read(struct etd_text_file *file, const char *path,
                                             const struct etd_memory *memory)
{
    *file = (struct etd_text_file){0};
    /* Without O_NONBLOCK a pipe would hold us until somebody writes to it. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return refuse_errno(file);
    enum etd_text_file_result result = check_kind(file, fd);
    if (result == ETD_TEXT_FILE_OK)
        result = read_all(file, fd, memory);
    close(fd);
    if (result != ETD_TEXT_FILE_OK)
        etd_text_file_free(file, memory);
    return result;
}

void etd_text_file_free(struct etd_text_file *file, const struct etd_memory *memory)
{
    etd_memory_free(memory, file->data);
    file->data = NULL;
    file->size = 0;
}
