using FleetMdm.Storage.Inventory;

namespace FleetMdm.Storage.Devices;

/// <summary>Answers to commands that the server had ended without one: given up, expired or cancelled while the iPad had them in its hands. Rare, and not batched.</summary>
public interface ILateAnswerStore
{
    /// <summary>A command of the history that the server ended and the iPad never answered; null: there is none, or the answer is kept already.</summary>
    Task<UnansweredCommand?> Find(string enrolmentId, string commandUuid);

    /// <summary>Gives it the iPad's word for an ending. Idempotent: false when an answer is kept already.</summary>
    /// <remarks>When it ended stays, since its body and the clean-up of the history go by that.</remarks>
    Task<bool> Keep(LateAnswer answer);
}

/// <summary>What the iPad was asked, and left unanswered.</summary>
/// <param name="BodyHash">Of the question.</param>
/// <param name="SentAt">When it was last handed over; null: nobody knows.</param>
public sealed record UnansweredCommand(long Sequence, string RequestType, CommandEnding Ending, byte[] BodyHash, DateTimeOffset? SentAt = null);

/// <summary>The iPad's report on a command that had ended.</summary>
public sealed record LateAnswer
{
    public required string EnrolmentId { get; init; }
    public required string CommandUuid { get; init; }
    public required long Sequence { get; init; }
    /// <summary>One of the iPad's: Acknowledged, Error or CommandFormatError.</summary>
    public required CommandEnding Ending { get; init; }
    public required string Summary { get; init; }
    /// <summary>The report, whole; null where <see cref="ResultHash"/> is set.</summary>
    public ReadOnlyMemory<byte>? Result { get; init; }
    /// <summary>A large report, stored before by <see cref="IDeviceStore.StoreBody"/>.</summary>
    public byte[]? ResultHash { get; init; }
    /// <summary>What the answer tells of the iPad, written in the same transaction; null: nothing.</summary>
    public InventoryChange? Inventory { get; init; }
}
