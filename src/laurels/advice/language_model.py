"""An adviser that asks a language model, and waits for it no longer than people do."""

import asyncio
import contextlib
import logging
from threading import BoundedSemaphore, Thread
from typing import Final

from laurels.advice.call import THREAD, Call, CallFailed, Endpoint
from laurels.advice.words import AnswerUnusable, read_answer, request_body
from laurels.engine.recommend.advice import Advice, Question, origin

log = logging.getLogger(__name__)

ANSWER_WITHIN_S: Final = 5.0
ASKED_AT_ONCE_MAX: Final = 4
"""Questions that are out at the same time. Past them there is no advice, at once."""


class LanguageModel:
    """
    Whatever goes wrong is a line in the log, and no advice.

    Each question has a thread of its own that no stop of the server waits for; the pool that all
    others share is never held up by a slow model.
    """

    def __init__(
        self, endpoint: Endpoint, model: str, *, answer_within_s: float = ANSWER_WITHIN_S
    ) -> None:
        self._endpoint = endpoint
        self._model = model
        self._answer_within_s = answer_within_s
        self._free = BoundedSemaphore(ASKED_AT_ONCE_MAX)

    async def advise(self, question: Question) -> Advice | None:
        body = request_body(self._model, question)
        call = Call(self._endpoint, body, step_s=self._answer_within_s)
        if not self._free.acquire(blocking=False):
            log.warning("the recommender is not asked: %d questions are out", ASKED_AT_ONCE_MAX)
            return None
        try:
            answer = await asyncio.wait_for(self._ask(call), self._answer_within_s)
            return read_answer(answer)
        except TimeoutError:
            log.warning("the recommender did not answer within %g s", self._answer_within_s)
        except (CallFailed, AnswerUnusable) as failure:
            log.warning("the recommender is of no use: %s", failure)
        finally:
            call.hang_up()
        return None

    def _ask(self, call: Call) -> asyncio.Future[bytes]:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bytes] = loop.create_future()

        def ask() -> None:
            try:
                result: bytes | CallFailed = call.run()
            except CallFailed as failure:
                result = failure
            except Exception as failure:  # noqa: BLE001 - whatever it is, whoever waits must hear
                log.error("the recommender failed: %s", origin(failure))  # noqa: TRY400 - see origin
                result = CallFailed(type(failure).__name__)
            finally:
                self._free.release()
            with contextlib.suppress(RuntimeError):  # The loop is closed: nobody waits any more.
                loop.call_soon_threadsafe(_settle, answer, result)

        try:
            Thread(target=ask, name=THREAD, daemon=True).start()
        except RuntimeError as failure:
            self._free.release()
            raise CallFailed("there is no thread for it") from failure
        return answer


def _settle(answer: asyncio.Future[bytes], result: bytes | CallFailed) -> None:
    if answer.done():
        return
    if isinstance(result, CallFailed):
        answer.set_exception(result)
    else:
        answer.set_result(result)
