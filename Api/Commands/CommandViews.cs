using System.Text.Json;
using FleetMdm.Api.Rest;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Api.Commands;

/// <summary>A command is durable; the iPad gets it when it next comes.</summary>
public sealed record CommandAccepted
{
    /// <summary>Upper-case UUID.</summary>
    public required string CommandUuid { get; init; }
    public required string RequestType { get; init; }
    public required DateTimeOffset AcceptedAt { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    /// <summary>What is odd in the command. It was taken all the same.</summary>
    public required IReadOnlyList<CommandWarning> Warnings { get; init; }
}

/// <summary>Something in a command that the catalogue does not know, or that an iPad may refuse in a profile. It is sent as it is.</summary>
/// <param name="Field">Where, as errors name it: <c>settings[0].item</c>.</param>
/// <param name="Detail">What is odd, and what may have been meant.</param>
public sealed record CommandWarning(string Field, string Detail);

/// <summary>A command in a list.</summary>
public record CommandSummary
{
    /// <summary>Stands for the name of a token where nobody has sent it.</summary>
    internal const string Server = "the server itself";

    public required string CommandUuid { get; init; }
    public required string RequestType { get; init; }
    /// <summary>Queued, Sent, NotNow, SetAside (never answered; the others go first) or Cancelling while it waits; then Acknowledged, Error, CommandFormatError, Cancelled, Expired,
    /// Reenrolled (the iPad enrolled again), CheckedOut, Removed, Erased or UserDeleted (the user of the Shared iPad is not on it any more).</summary>
    [OneOf("Queued", "Sent", "NotNow", "SetAside", "Cancelling", "Acknowledged", "Error", "CommandFormatError", "Cancelled", "Expired", "Reenrolled", "CheckedOut", "Removed", "Erased", "UserDeleted")]
    public required string State { get; init; }
    public required bool Finished { get; init; }
    public required DateTimeOffset AcceptedAt { get; init; }
    /// <summary>When it was delivered last.</summary>
    public DateTimeOffset? SentAt { get; init; }
    public DateTimeOffset? NotNowAt { get; init; }
    public required int NotNowCount { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }
    /// <summary>How often it was delivered without an answer, while it waits.</summary>
    public required int UnansweredCount { get; init; }
    public DateTimeOffset? UnansweredAt { get; init; }
    /// <summary>A sentence: why it was set aside, and what comes next.</summary>
    public string? Reason { get; init; }
    public DateTimeOffset? FinishedAt { get; init; }
    public string? OperationId { get; init; }
    /// <summary>Who sent it: the name that the token had, or "the server itself". Absent: before such records were kept.</summary>
    public string? RequestedBy { get; init; }
    /// <summary>The token's id.</summary>
    public string? RequestedById { get; init; }
    /// <summary>The exam or the lesson that it locks for, or releases from, by name. Absent: another command, or not the last one for its exam.</summary>
    public string? Exam { get; init; }
    /// <summary>Name and version of the profile of the library that was sent. Absent: another command.</summary>
    public string? Profile { get; init; }
    /// <summary>What went wrong, in words: the iPad's error chain with domains and codes, or what was wrong with its answer.</summary>
    public string? Error { get; init; }
}

/// <summary>A command and what became of it, with the iPad's answer.</summary>
public sealed record CommandView : CommandSummary
{
    /// <summary>The iPad's answer as JSON, with Apple's keys; null: none came. Data is Base64.</summary>
    public JsonElement? Result { get; init; }
    /// <summary>Why the answer is not shown as JSON, or not as it came; null: it is.</summary>
    public string? ResultProblem { get; init; }
    /// <summary>The iPad's error chain, from the outermost cause inwards; empty when there is none.</summary>
    public IReadOnlyList<CommandErrorView> ErrorChain { get; init; } = [];
    /// <summary>true: the answer holds secrets, and they are not shown.</summary>
    public bool SecretsHidden { get; init; }
    /// <summary>true: they are shown to you when you say why (<c>reason</c>).</summary>
    public bool ReasonNeeded { get; init; }

    internal static CommandView Of(QueuedRow row, QueuedCommand? live) => new()
    {
        CommandUuid = row.CommandUuid,
        RequestType = row.RequestType,
        State = (live?.State ?? Guess(row)).ToString(),
        Finished = false,
        AcceptedAt = row.AcceptedAt,
        SentAt = live?.SentAt,
        NotNowAt = row.NotNowAt,
        NotNowCount = row.NotNowCount,
        ExpiresAt = row.ExpiresAt,
        OperationId = row.OperationId,
        UnansweredCount = row.UnansweredCount,
        UnansweredAt = row.UnansweredAt,
        Reason = live?.Reason,
    };

    internal static CommandView Of(HistoryRow row) => new()
    {
        CommandUuid = row.CommandUuid,
        RequestType = row.RequestType,
        State = row.Ending.ToString(),
        Finished = true,
        AcceptedAt = row.AcceptedAt,
        SentAt = row.SentAt,
        NotNowCount = row.NotNowCount,
        UnansweredCount = 0,
        FinishedAt = row.FinishedAt,
        OperationId = row.OperationId,
        Error = row.ErrorSummary,
    };

    /// <summary>Of a row that an operation appended and the grain has not read yet.</summary>
    private static CommandState Guess(QueuedRow row) =>
        row.OperationCancelled ? CommandState.Cancelling : row.NotNowCount > 0 ? CommandState.NotNow : CommandState.Queued;
}

/// <summary>One item of an iPad's error chain. Apple may change domains and codes with any release: show them, do not decide by them.</summary>
public sealed record CommandErrorView
{
    /// <summary>As in MCInstallationErrorDomain.</summary>
    public string? Domain { get; init; }
    public long? Code { get; init; }
    /// <summary>In the language of the iPad.</summary>
    public string? LocalizedDescription { get; init; }
    public string? UsEnglishDescription { get; init; }
    /// <summary>What it means and what helps, where the code is documented.</summary>
    public string? Explanation { get; init; }

    internal static IReadOnlyList<CommandErrorView> Of(PlistDictionary report) =>
    [
        .. (report.GetArray("ErrorChain") ?? []).OfType<PlistDictionary>().Select(item => new CommandErrorView
        {
            Domain = item.GetString("ErrorDomain"),
            Code = item.GetInteger("ErrorCode"),
            LocalizedDescription = item.GetString("LocalizedDescription"),
            UsEnglishDescription = item.GetString("USEnglishDescription"),
            Explanation = KnownErrors.Explain(item.GetString("ErrorDomain"), item.GetInteger("ErrorCode")),
        }),
    ];
}
