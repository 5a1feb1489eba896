using System.Globalization;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Returns;

namespace FleetMdm.Api.Returns;

/// <summary>What a return says, in words. Pure.</summary>
internal static class ReturnWords
{
    /// <summary>Why an iPad stands as it does, as far as it is known.</summary>
    public static string Reason(ReturnDeviceRow row) => row.State switch
    {
        ReturnState.NotBegun => "Its turn has not come.",
        ReturnState.Waiting when row.NotNowCount > 0 => $"It answered NotNow {(row.NotNowCount == 1 ? "once" : $"{row.NotNowCount} times")}. It is asked again.",
        ReturnState.Waiting => $"It has not fetched the command.{Seen(row)}",
        ReturnState.Told => "It was told to erase itself, and has not answered yet.",
        ReturnState.Erased => $"It erases itself, and is expected until {Time(row.DueAt)}.",
        ReturnState.Missing => Missing(row),
        ReturnState.Back => row.ReturnedBy switch
        {
            ReturnedBy.OwnProfile => "It came back without hands.",
            ReturnedBy.AutomatedEnrolment => "It came back by Automated Device Enrolment.",
            _ => "It came back by another enrolment: somebody set it up by hand.",
        },
        ReturnState.Failed => $"It was not erased. {row.ErrorSummary ?? "It answered an error."}",
        _ => row.Ending switch
        {
            CommandEnding.Expired => "It did not fetch the command in time. It was not erased.",
            CommandEnding.Cancelled => "The command was cancelled before it came.",
            CommandEnding.Reenrolled => "It enrolled anew before it fetched the command.",
            CommandEnding.CheckedOut or CommandEnding.Removed => "It left before it fetched the command.",
            CommandEnding.Erased => "It was erased by another command.",
            _ => "It does not get the command: the rest was cancelled, or it had left when its turn came.",
        },
    };

    private static string Missing(ReturnDeviceRow row)
    {
        var since = row.ErasedAt is { } erased ? $"It said at {Time(erased)} that it erases itself, and" : $"It was told at {Time(row.HandedAt)} to erase itself, has not answered, and";
        // A claim before that is another story.
        if (row.ClaimedAt > (row.ErasedAt ?? row.HandedAt))
            return $"{since} at {Time(row.ClaimedAt)} a device that says it is this iPad was refused. Look under Claims. If it is this iPad, allow it.";
        if (row.IsEnrolling) return $"{since} has begun to enrol since, and not finished. Look at it: Setup Assistant may wait for somebody.";
        return row.ErasedAt is null && row.LastSeenAt > row.HandedAt
            ? $"{since} has been here since: it was not erased."
            : $"{since} was not heard of since. Look whether it has power and is near the Wi-Fi{(row.HasBypassCode ? ", and whether Activation Lock asks for its code, which the server has" : ", and whether Activation Lock asks for a code")}.";
    }

    private static string Seen(ReturnDeviceRow row) => row.LastSeenAt is { } seen ? $" It was last here at {Time(seen)}." : "";

    private static string Time(DateTimeOffset? at) => at is { } time ? time.UtcDateTime.ToString("yyyy-MM-dd HH:mm 'UTC'", CultureInfo.InvariantCulture) : "an unknown time";
}
