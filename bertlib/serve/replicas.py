"""The service under Ray Serve: copies of one application, on one machine or many, as many as the load asks for.

    serve run bertlib.serve.replicas:build folder=exported least=2 most=4

What killed replicas held is answered with status 500, and 503 where none takes more: a client asks again, since
predicting changes nothing.
"""

import asyncio
import time
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    from fastapi import FastAPI
    from ray.serve import Application

PATIENCE = 30.0  # seconds within which a replica opens its models, or is started anew


class Settings(BaseModel):
    """What `build` takes. least, most: replicas; cores, threads: of each; waiting: requests before 503 is answered."""

    model_config = ConfigDict(extra="forbid")
    folder: str
    least: int = Field(default=2, ge=1)
    most: int = Field(default=2, ge=1)
    cores: float = Field(default=1, gt=0)
    threads: int = Field(default=1, ge=1)
    waiting: int = Field(default=256, ge=1)


class Replica:
    """One copy of the application of `bertlib.serve.app.make_app`, in a process of Ray's."""

    def __init__(self, folder: str, threads: int):
        from bertlib.serve.app import make_app

        self.application = make_app(folder, threads=threads)

    def __serve_build_asgi_app__(self) -> "FastAPI":
        return self.application

    async def check_health(self) -> None:
        """Returns once every model can be asked: until then Ray sends no requests. A RuntimeError says which cannot."""
        end, models = time.monotonic() + PATIENCE, self.application.state.service.models
        while missing := {name: model.problem for name, model in models.items() if not model.ready()}:
            if time.monotonic() > end:
                raise RuntimeError(f"not ready: {missing}")
            await asyncio.sleep(0.05)


def build(settings: Settings) -> "Application":
    """What `ray.serve.run` takes; the folder has to be there on every machine.

    Raises:
        ValueError: most is below least. ModuleNotFoundError: ray is not installed: pip install 'bertlib[serve,scale]'.
    """
    from ray import serve

    if settings.most < settings.least:
        raise ValueError(f"most={settings.most} is below least={settings.least}: give at least as many")
    in_flight = 32  # a batch's worth: more than a replica computes at a time waits where another can take it
    copies = {"num_replicas": settings.least}
    if settings.most > settings.least:
        scale = {"min_replicas": settings.least, "max_replicas": settings.most}
        copies = {"autoscaling_config": scale | {"target_ongoing_requests": in_flight / 4, "downscale_delay_s": 300}}
    deployment = serve.deployment(serve.ingress()(Replica))
    return deployment.options(
        name="bertlib",
        ray_actor_options={"num_cpus": settings.cores},
        max_ongoing_requests=in_flight,
        max_queued_requests=settings.waiting,
        health_check_period_s=5,
        health_check_timeout_s=PATIENCE + 5,
        graceful_shutdown_timeout_s=15,  # longer than the application's own deadline
        **copies,
    ).bind(settings.folder, settings.threads)
