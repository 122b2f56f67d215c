"""The SQS queue by which events come."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from config.clouds import AwsEvents
from providers.aws.session import Place, Sessions
from providers.provider import Message

MAX_WAIT: Final = 20
"""The longest SQS lets one wait, in seconds."""


class SqsSource:
    """The SQS queue that EventBridge (or an SNS topic) fills."""

    def __init__(self, sessions: Sessions, settings: AwsEvents) -> None:
        if settings.queue_url is None:
            raise ValueError("an SQS source needs `queue_url`")
        self.name = f"sqs:{urlsplit(settings.queue_url).path.rpartition('/')[2]}"
        self._sessions = sessions
        self._settings = settings
        self._place = Place("", settings.region)

    def receive(self, wait_seconds: float) -> list[Message]:
        """Up to ten messages; each is hidden from others for the configured visibility. Raises ProviderError."""
        answer = self._sessions.call(
            self._place,
            "sqs",
            "ReceiveMessage",
            {
                "QueueUrl": self._settings.queue_url,
                "MaxNumberOfMessages": 10,
                "WaitTimeSeconds": max(0, min(MAX_WAIT, round(wait_seconds))),
                "VisibilityTimeout": max(1, round(self._settings.visibility.total_seconds())),
            },
        )
        return [
            Message(
                id=str(message["MessageId"]),
                body=str(message["Body"]),
                receipt=str(message["ReceiptHandle"]),
                source=self.name,
            )
            for message in answer.get("Messages", ())
        ]

    def acknowledge(self, message: Message) -> None:
        """Delete the message from the queue. Raises ProviderError."""
        self._sessions.call(
            self._place,
            "sqs",
            "DeleteMessage",
            {"QueueUrl": self._settings.queue_url, "ReceiptHandle": message.receipt},
        )


def queue_arn(url: str, partition: str) -> str:
    """The ARN of the queue with this URL (``https://sqs.eu-west-1.amazonaws.com/123456789012/name``)."""
    parts = urlsplit(url)
    labels = (parts.hostname or "").split(".")
    region = labels[1] if len(labels) > 3 and labels[0] == "sqs" else "*"
    account, _, name = parts.path.strip("/").rpartition("/")
    return f"arn:{partition}:sqs:{region}:{account or '*'}:{name}"
