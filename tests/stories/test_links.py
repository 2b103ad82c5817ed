"""What staff send by hand: the link to leave another method, and the letter with it."""

from sandbox import mailbox
from tests.stories.diary import Diary


def test_staff_send_the_link_by_hand(diary: Diary):
    """The letter goes once though every message comes twice, and holds the address that was told."""
    diary.subscribes("ada", "coffee-1kg", on="2026-01-10")
    diary.it_is("2026-01-11")
    path = f"/v1/subscriptions/{diary.subscriptions['ada']}/payment_method_link"
    told = diary.post(path, send=True)
    assert diary.post(path)["delivery"] is None
    diary.world.settle()
    env = diary.world.env
    came = mailbox.messages(env["AWS_ENDPOINT_URL"], env["AWS_ACCESS_KEY_ID"])
    mine = [one for one in came if one["Subject"] == "Your payment method for Roaster"]
    assert [one["To"] for one in mine] == [["ada@perennial.example"]]
    sent = diary.get(f"/v1/deliveries/{told['delivery']}")
    assert (sent["status"], sent["letter"]) == ("sent", "payment_method")
    assert told["url"] in str(mine[0])
    assert diary.taken() == 2500
    diary.sound()
