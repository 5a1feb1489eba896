using CsCheck;
using FleetMdm.Grains.Webhooks;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Webhooks;

namespace FleetMdm.Grains.Tests.Webhooks;

public sealed class DeliveryPartTests
{
    private static readonly DateTimeOffset Now = new(2026, 9, 1, 8, 0, 0, TimeSpan.Zero);

    private static WebhookDelivery Delivery(int attempts = 0, DateTimeOffset? at = null) =>
        new() { Sequence = 1, EventId = "e", At = at ?? Now, Kind = WebhookKinds.CommandFinished, Data = "{}", Lane = "iPad", Attempts = attempts };

    private static WebhookAnswer Failed(TimeSpan? retryAfter = null, int status = 500) => new(status, "failed", retryAfter);

    [Fact]
    public void What_fails_is_tried_again_later_each_time_and_then_given_up()
    {
        var pauses = Enumerable.Range(0, DeliveryPart.MostAttempts - 1).Select(attempts => DeliveryPart.Judge(Delivery(attempts), Failed(), Now, 0).NextAt!.Value - Now).ToList();

        Assert.Equal(TimeSpan.FromSeconds(5), pauses[0]);
        Assert.Equal(pauses.Order(), pauses);
        Assert.InRange(pauses.Aggregate(TimeSpan.Zero, (sum, pause) => sum + pause).TotalDays, 3, 4);
        Assert.Equal(WebhookDeliveryState.Dead, DeliveryPart.Judge(Delivery(DeliveryPart.MostAttempts - 1), Failed(), Now, 0).State);
    }

    [Fact]
    public void An_event_always_ends_and_never_comes_again_before_the_receiver_wants_it() =>
        Gen.Select(Gen.Double.Unit, Gen.Int[0, 100_000], Gen.Int[200, 599]).Array[1, 40].Sample(steps =>
        {
            var (delivery, now) = (Delivery(), Now);
            foreach (var (random, retryAfter, status) in steps.Concat(Enumerable.Repeat((0.5, 0, 500), 12)))
            {
                var answer = status is >= 200 and < 300 ? new WebhookAnswer(status, null) : new WebhookAnswer(status, "failed", TimeSpan.FromSeconds(retryAfter));
                var result = DeliveryPart.Judge(delivery, answer, now, random);
                Assert.Equal(result.State == WebhookDeliveryState.Waiting, result.NextAt is not null);
                if (answer.IsSuccess) Assert.Equal(WebhookDeliveryState.Delivered, result.State);
                if (answer.IsGone) Assert.Equal(WebhookDeliveryState.Dead, result.State);
                if (result.State != WebhookDeliveryState.Waiting) return;
                var wait = result.NextAt!.Value - now;
                Assert.InRange(wait, TimeSpan.FromSeconds(Math.Max(5, Math.Min(retryAfter, 86_400))), TimeSpan.FromHours(29));
                (now, delivery) = (result.NextAt.Value, delivery with { Attempts = delivery.Attempts + 1 });
            }

            Assert.Fail("It goes on for ever.");
        }, iter: 20_000);

    [Fact]
    public void A_receiver_that_fails_in_a_row_gets_rest_and_one_that_fails_now_and_then_does_not()
    {
        Assert.Null(DeliveryPart.Rest(DeliveryPart.FailuresUntilAway - 1, Failed()));
        Assert.Equal(TimeSpan.FromSeconds(1), DeliveryPart.Rest(DeliveryPart.FailuresUntilAway, Failed()));
        Assert.Equal(TimeSpan.FromMinutes(5), DeliveryPart.Rest(1000, Failed()));
        Assert.Equal(TimeSpan.FromSeconds(30), DeliveryPart.Rest(1, Failed(TimeSpan.FromSeconds(30))));
        Assert.Equal(TimeSpan.FromMinutes(5), DeliveryPart.Rest(1, Failed(TimeSpan.FromDays(30))));
    }

    [Fact]
    public void A_change_of_an_enrolment_is_told_for_what_it_is()
    {
        var row = new DeviceRow { Id = "D", DeviceId = "D", Kind = EnrolmentKind.Device, Status = EnrolmentStatus.Authenticated, AuthenticatedAt = Now };
        var enrolled = row with { Status = EnrolmentStatus.Enrolled, TokenUpdatedAt = Now };

        Assert.Equal(WebhookKinds.DeviceAuthenticated, EventPart.KindOf(null, row));
        Assert.Equal(WebhookKinds.DeviceAuthenticated, EventPart.KindOf(row, row with { AuthenticatedAt = Now.AddMinutes(1) }));
        Assert.Equal(WebhookKinds.DeviceEnrolled, EventPart.KindOf(row, enrolled));
        Assert.Equal(WebhookKinds.DeviceTokenUpdated, EventPart.KindOf(enrolled, enrolled with { TokenUpdatedAt = Now.AddDays(1) }));
        Assert.Equal(WebhookKinds.DeviceCheckedOut, EventPart.KindOf(enrolled, enrolled with { Status = EnrolmentStatus.Unenrolled }));
        Assert.Equal(WebhookKinds.DeviceRemoved, EventPart.KindOf(enrolled, enrolled with { Status = EnrolmentStatus.Removed }));
        Assert.Equal(WebhookKinds.DeviceErased, EventPart.KindOf(enrolled, enrolled with { Status = EnrolmentStatus.Erased }));
        Assert.Null(EventPart.KindOf(enrolled, enrolled with { BatteryLevel = 0.5 }));
        Assert.Null(EventPart.KindOf(null, row with { Id = "D:user" }));
    }

    [Fact]
    public void No_token_of_an_iPad_is_told()
    {
        var row = new DeviceRow
        {
            Id = "D",
            DeviceId = "D",
            Kind = EnrolmentKind.Device,
            Status = EnrolmentStatus.Enrolled,
            PushMagic = "the-magic",
            PushToken = [1, 2, 3],
            HasUnlockToken = true,
            InvitationId = "the-invitation",
        };

        var told = EventPart.Of(WebhookKinds.DeviceEnrolled, null, row, Now).Data;

        Assert.DoesNotContain("the-magic", told);
        Assert.DoesNotContain("the-invitation", told);
        Assert.DoesNotContain("AQID", told);
    }
}
