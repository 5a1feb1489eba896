using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.SharedIPads;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Devices;

/// <param name="Refusal">None: the user gets a channel.</param>
/// <param name="MakeRoom">A channel of another user that goes first; null: there is room.</param>
internal sealed record UserChannelDecision(DeviceRefusal Refusal, UserChannel? MakeRoom = null);

/// <summary>Whether one more user of an iPad gets a channel: the first message of a user whom the server does not know. Pure.</summary>
/// <remarks>
/// Only a Shared iPad has users. No check-in message says that an iPad is shared, but what cannot be is refused: a User Enrollment, what
/// is no iPad, and a user without a short name (which every user of a Shared iPad has).
/// A Shared iPad keeps at most 32 users on it, and over the years hundreds sign in to it. So an iPad has a bounded number of channels, and the one whose user has been
/// away longest gives way: that user gets a new one at the next sign-in. Users who were there today are not driven out by new names.
/// </remarks>
internal static class UserChannelPart
{
    /// <summary>Three times what a Shared iPad keeps.</summary>
    public const int Most = 100;

    private static readonly TimeSpan Stays = TimeSpan.FromDays(1);

    public static UserChannelDecision Open(SharedDevice? device, TokenUpdateMessage message, DateTimeOffset now)
    {
        if (device is null) return new UserChannelDecision(DeviceRefusal.NotPinned);
        if (device.Kind != EnrolmentKind.Device || message.UserShortName is null ||
            device.ProductName?.StartsWith("iPad", StringComparison.OrdinalIgnoreCase) == false)
            return new UserChannelDecision(DeviceRefusal.NotShared);
        if (device.Users.Count < Most) return new UserChannelDecision(DeviceRefusal.None);

        var oldest = device.Users.OrderBy(IsAlive).ThenBy(user => user.LastSeenAt ?? DateTimeOffset.MinValue).First();
        return IsAlive(oldest) && now - oldest.LastSeenAt < Stays
            ? new UserChannelDecision(DeviceRefusal.TooManyUsers)
            : new UserChannelDecision(DeviceRefusal.None, oldest);
    }

    /// <summary>Whose channel ends, since the iPad has said that they are not on it any more.</summary>
    /// <param name="deleted">Whom it has deleted; null: it has said whom it has.</param>
    /// <param name="listed">Whom it has; null: it has not said.</param>
    /// <param name="asked">When it was asked: who was there since is there.</param>
    /// <remarks>A list that names nobody of those who have channels speaks of them by other names, unless it is empty: then nothing is made of it.</remarks>
    public static IReadOnlyList<UserChannel> Gone(IReadOnlyList<UserChannel> users, string? deleted, IReadOnlySet<string>? listed, DateTimeOffset asked)
    {
        var away = users.Where(user => IsAlive(user) && !(user.LastSeenAt >= asked) && !(user.TokenUpdatedAt >= asked));
        if (deleted is not null) return [.. away.Where(user => SharedIPadUsers.IsSame(user.ShortName, deleted))];
        if (listed is null || (listed.Count > 0 && !users.Any(user => user.ShortName is { } name && listed.Contains(name)))) return [];
        return [.. away.Where(user => user.ShortName is { } name && !listed.Contains(name))];
    }

    private static bool IsAlive(UserChannel user) => user.Status is EnrolmentStatus.Authenticated or EnrolmentStatus.Enrolled;
}
