/* What a scenario of a session begins with: a loop whose input and output end at guard pages, settings
 * without time-outs, and one peer. For tests under Check. */
#ifndef ECHOTIMED_TESTS_SESSION_SCENE_H
#define ECHOTIMED_TESTS_SESSION_SCENE_H

#include "support/guard.h"
#include "support/session_driver.h"

enum { ETD_SCENE_INPUT = 256, ETD_SCENE_OUTPUT = 512, ETD_SCENE_MAX_MESSAGE = 64 };

struct etd_scene {
    struct etd_driver_loop loop;
    struct etd_guard input;
    struct etd_guard output;
    struct etd_session_settings settings;
    struct etd_driver peer;
};

void etd_scene_begin(struct etd_scene *scene, enum etd_framing_id framing,
                     const struct etd_service *service);

/* Lets the peer connect, and say nothing yet. */
void etd_scene_open(struct etd_scene *scene);

/* The same scene with nobody connected, for settings that changed. */
void etd_scene_reopen(struct etd_scene *scene);

/* Releases the peer; nothing may be left. */
void etd_scene_end(struct etd_scene *scene);

/* Sends text in one piece, all of which must be taken in one turn. */
void etd_scene_say(struct etd_scene *scene, const char *text);

/* All that the peer got so far is this. */
void etd_scene_heard(const struct etd_scene *scene, const char *text);

/* The session is closed in order, or has sent its FIN, for this reason. */
void etd_scene_closed(const struct etd_scene *scene, enum etd_close_reason reason);

#endif
