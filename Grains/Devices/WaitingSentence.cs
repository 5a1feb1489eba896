using System.Globalization;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Devices;

/// <summary>Says to people what a queued command waits for.</summary>
internal static class WaitingSentence
{
    public static string? For(DeviceRow row, DeviceQueue queue, DateTimeOffset? lastSeen, DateTimeOffset? pushRequestedAt)
    {
        if (queue.Count == 0) return null;
        var seen = lastSeen is { } at ? $"the iPad was last seen on {Time(at)}" : "the iPad has not been seen yet";
        if (queue.InFlight is { } silent) return $"Waiting for the iPad's answer to {silent.Row.RequestType}; {seen}.";
        if (queue.Commands.All(command => Unanswered.IsSetAside(command.Row)))
        {
            var first = queue.Commands.MinBy(command => Unanswered.PausedUntil(command.Row))!.Row;
            var others = queue.Count == 1 ? "" : $" It is one of {queue.Count} that the iPad never answered.";
            return $"Waiting: {first.RequestType}: {Unanswered.Reason(first)}{others}";
        }

        if (row.PushToken is null) return $"Waiting: no push token has come yet (TokenUpdate); {seen}.";
        if (row.PushTokenDead is { } dead) return $"Waiting: APNs says that the push token is dead ({dead}) and a new one must come from the iPad; {seen}.";

        var push = (row.PushedAt, row.PushResult) switch
        {
            (null, _) => pushRequestedAt is { } asked ? $"a push was asked for at {Time(asked)}" : "no push was sent yet",
            ({ } pushed, "accepted") => $"a push was accepted by APNs at {Time(pushed)}",
            ({ } pushed, PushRecord.NoAnswer) => $"the last push, at {Time(pushed)}, had no answer from Apple",
            ({ } pushed, var reason) => $"the last push, at {Time(pushed)}, failed: {reason}",
        };
        var notNow = queue.Commands.Count(command => command.Row.NotNowAt is not null);
        var one = queue.Commands.First(command => notNow == 0 || command.Row.NotNowAt is not null).Row.RequestType;
        return (notNow, queue.Count) switch
        {
            (0, _) => $"Waiting: {seen}; {push}.",
            (_, 1) => $"Waiting: the iPad has put off its one command ({one}), since it is locked or busy; {seen}; {push}.",
            (1, var all) => $"Waiting: the iPad has put off one of its {all} commands ({one}), since it is locked or busy; {seen}; {push}.",
            (var some, var all) => $"Waiting: the iPad has put off {(some == all ? $"its {all}" : $"{some} of its {all}")} commands, since it is locked or busy; {seen}; {push}.",
        };
    }

    private static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss 'UTC'", CultureInfo.InvariantCulture);
}
