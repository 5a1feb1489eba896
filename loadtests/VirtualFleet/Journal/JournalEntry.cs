namespace FleetMdm.VirtualFleet.Journal;

/// <summary>What happened to an iPad.</summary>
public enum JournalKind
{
    /// <summary>A check-in message was sent and answered.</summary>
    CheckIn,
    /// <summary>A report (or Idle) was sent and answered.</summary>
    Report,
    /// <summary>A command came and was run.</summary>
    Command,
    PushReceived,
    /// <summary>A push came that is not meant for this enrolment: its magic is another.</summary>
    PushIgnored,
    WentOffline,
    WentOnline,
    Locked,
    Unlocked,
    Enrolled,
    /// <summary>A new identity for the same enrolment.</summary>
    Renewed,
    /// <summary>The management profile is gone, with all that came by it; the detail says why.</summary>
    Unenrolled,
    /// <summary>All content and settings are gone.</summary>
    Erased,
    /// <summary>The server broke a rule of Apple's. No run of any test should show one that it did not ask for.</summary>
    Violation,
}

/// <summary>One line of an iPad's journal. What does not apply is null, or 0 for the status.</summary>
/// <param name="Sequence">Counts up from 1 for each iPad, also over what the journal no longer holds.</param>
/// <param name="Channel"><c>device</c>, or the short name of a Shared iPad user.</param>
/// <param name="What">The MessageType of a check-in, the Status of a report.</param>
/// <param name="HttpStatus">The answer's; 0 when none came.</param>
/// <param name="NextCommandUuid">The command in the answer to a report.</param>
public sealed record JournalEntry(
    long Sequence,
    DateTimeOffset At,
    JournalKind Kind,
    string Channel,
    string? What = null,
    string? CommandUuid = null,
    string? RequestType = null,
    int HttpStatus = 0,
    string? NextCommandUuid = null,
    string? Detail = null)
{
    public override string ToString() =>
        $"{Sequence} {At:HH:mm:ss.fff} {Channel} {Kind}"
        + (What is null ? "" : $" {What}")
        + (RequestType is null ? "" : $" {RequestType}")
        + (CommandUuid is null ? "" : $" {CommandUuid}")
        + (HttpStatus == 0 ? "" : $" -> {HttpStatus}")
        + (NextCommandUuid is null ? "" : $" next {NextCommandUuid}")
        + (Detail is null ? "" : $" ({Detail})");
}

/// <summary>All that one channel of an iPad knows of one command.</summary>
public sealed record CommandRecord(string Channel, string CommandUuid, string RequestType)
{
    /// <summary>How often it came: an iPad runs a command each time that it comes.</summary>
    public int Received { get; init; }
    /// <summary>How often it ran to an end: anything but NotNow.</summary>
    public int Executed { get; init; }
    /// <summary>The last Status that was made of it.</summary>
    public string? LastStatus { get; init; }
    /// <summary>The last Status that the server answered 2xx to; null: none yet.</summary>
    public string? AcceptedStatus { get; init; }
    /// <summary>Reports with a final Status that the server answered 2xx to.</summary>
    public int AcceptedReports { get; init; }
    public int NotNows { get; init; }
}
