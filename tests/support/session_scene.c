#include "support/session_scene.h"

#include <check.h>

void etd_scene_begin(struct etd_scene *scene, enum etd_framing_id framing,
                     const struct etd_service *service)
{
    *scene = (struct etd_scene){
        .input = etd_guard_make(ETD_SCENE_INPUT),
        .output = etd_guard_make(ETD_SCENE_OUTPUT),
        .settings = {.framing = etd_framings[framing],
                     .service = service,
                     .max_message = ETD_SCENE_MAX_MESSAGE},
    };
    etd_driver_loop_init(&scene->loop, etd_bytes(scene->input.data, scene->input.size),
                         etd_bytes(scene->output.data, scene->output.size));
    scene->loop.clock.now = (struct etd_timestamp){.seconds = 1795354415};
    scene->loop.clock.quality.synchronised = true;
}

void etd_scene_open(struct etd_scene *scene)
{
    etd_driver_open(&scene->peer, &scene->loop, &scene->settings, etd_bytes(NULL, 0));
}

void etd_scene_reopen(struct etd_scene *scene)
{
    etd_driver_release(&scene->peer);
    etd_scene_open(scene);
}

void etd_scene_end(struct etd_scene *scene)
{
    etd_driver_release(&scene->peer);
    etd_driver_loop_end(&scene->loop);
    etd_guard_free(&scene->input);
    etd_guard_free(&scene->output);
}

void etd_scene_say(struct etd_scene *scene, const char *text)
{
    ck_assert_uint_eq(etd_driver_feed(&scene->peer, etd_bytes_text(text)), strlen(text));
}

void etd_scene_heard(const struct etd_scene *scene, const char *text)
{
    struct etd_bytes got = etd_bytes(scene->peer.got, scene->peer.got_size);
    ck_assert_msg(etd_bytes_equal(got, etd_bytes_text(text)), "heard \"%.*s\", not \"%s\"",
                  (int)got.size, (const char *)got.data, text);
}

void etd_scene_closed(const struct etd_scene *scene, enum etd_close_reason reason)
{
    ck_assert_str_eq(etd_close_reason_name((enum etd_close_reason)scene->peer.session.reason),
                     etd_close_reason_name(reason));
    ck_assert_int_ge(scene->peer.session.state, ETD_SESSION_LINGERING);
    ck_assert(scene->peer.fin);
    ck_assert(!scene->peer.session.reset);
}
