"""The way in's own tasks: sending links that were asked for, forgetting old ones. Rows are the queue."""

from celery import shared_task

from customers import links


@shared_task(name=links.SEND_TASK, ignore_result=True)
def send_links() -> int:
    """Write the e-mail of every link that was asked for."""
    total = 0
    while sent := links.send_due():
        total += sent
    return total


@shared_task(name="customers.forget_links", ignore_result=True)
def forget_links() -> int:
    """Delete links whose days are over."""
    return links.forget_old()
