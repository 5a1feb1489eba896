using System.Buffers.Binary;
using System.Text;

namespace FleetMdm.Storage.Audit;

/// <summary>Who did something. Stored as a number: never renumber.</summary>
public enum ActorKind : short
{
    /// <summary>The server, of its own accord.</summary>
    Server = 0,
    /// <summary>The bearer of an API token, or the session begun with one.</summary>
    Token = 1,
    /// <summary>An iPad, by its identity.</summary>
    Device = 2,
    /// <summary>Somebody who has shown nothing.</summary>
    Stranger = 3,
    /// <summary>A person who has signed in with an account.</summary>
    Account = 4,
}

/// <summary>What became of it. Stored as a number: never renumber.</summary>
public enum AuditResult : short
{
    Done = 0,
    /// <summary>Not allowed, or not possible in this state: nothing was changed.</summary>
    Refused = 1,
    /// <summary>Allowed, begun, and not carried out. A record of the same request says what was begun.</summary>
    Failed = 2,
}

/// <param name="Kind">What it is.</param>
/// <param name="Id">The token's id, the account's, or the iPad's; null for the server and for strangers.</param>
/// <param name="Name">As the token or account was named at that time.</param>
/// <param name="Address">Where the request came from.</param>
public sealed record AuditActor(ActorKind Kind, string? Id = null, string? Name = null, string? Address = null)
{
    public static readonly AuditActor Server = new(ActorKind.Server);
}

/// <summary>One thing that somebody did. It outlives its actor and its target: both are kept as text.</summary>
/// <remarks>Texts are made storable and cut to their longest here, once: a record is never refused for its words.</remarks>
public sealed record AuditRecord
{
    private const int LongestId = 300;
    private const int LongestText = 300;
    private const int LongestReason = 1000;

    private const int Version7 = 0x7000;
    private const int CountMask = 0x0FFF;

    /// <summary>How many records this node has made.</summary>
    private static int _made;

    /// <summary>A UUID of version 7, of the same millisecond as <see cref="At"/>. Writing a record twice adds it once.</summary>
    public Guid Id { get; private init; }
    public DateTimeOffset At { get; private init; }
    public required AuditActor Actor
    {
        get;
        init => field = value with { Id = Cut(value.Id, LongestId), Name = Cut(value.Name, LongestText), Address = Cut(value.Address, LongestText) };
    }

    /// <summary>One of <see cref="AuditVerbs"/>.</summary>
    public required string Verb { get; init; }
    /// <summary><c>device</c>, <c>operation</c>, <c>invitation</c>, <c>token</c> …</summary>
    public string? TargetKind { get; init; }
    public string? TargetId { get; init => field = Cut(value, LongestId); }
    /// <summary>What of the target: the CommandUUID of a command to an iPad.</summary>
    public string? Subject { get; init => field = Cut(value, LongestId); }
    /// <summary>A few words for people: a request type, the name of what was made.</summary>
    public string? Detail { get; init => field = Cut(value, LongestText); }
    /// <summary>How many it was done to, or how often it happened; null: once.</summary>
    public long? Count { get; init; }
    /// <summary>As it was given.</summary>
    public string? Reason { get; init => field = Cut(value, LongestReason); }
    public AuditResult Result { get; init; }
    /// <summary>The right that was needed for it, and that its actor had; null: none was needed, or it was the server.</summary>
    public string? Right { get; init => field = Cut(value, LongestId); }

    private AuditRecord()
    {
    }

    /// <summary>A record of this moment.</summary>
    public static AuditRecord New(DateTimeOffset at, AuditActor actor, string verb) =>
        new() { Id = NewId(at), At = Milliseconds(at), Actor = actor, Verb = verb };

    /// <summary>A UUID of version 7 whose twelve bits behind the time count: what this node does within a millisecond keeps its order, but where the count begins anew.</summary>
    private static Guid NewId(DateTimeOffset at)
    {
        var id = Guid.CreateVersion7(at).ToByteArray(bigEndian: true);
        BinaryPrimitives.WriteUInt16BigEndian(id.AsSpan(6), (ushort)(Version7 | (Interlocked.Increment(ref _made) & CountMask)));
        return new Guid(id, bigEndian: true);
    }

    internal static AuditRecord Stored(byte[] id, DateTimeOffset at, AuditActor actor, string verb) =>
        new() { Id = new Guid(id, bigEndian: true), At = at, Actor = actor, Verb = verb };

    /// <summary>The key as it is stored: its bytes are in the order of time.</summary>
    internal byte[] Key => Id.ToByteArray(bigEndian: true);

    /// <summary>No record of an earlier time has a key as high.</summary>
    internal static byte[] FirstKeyAt(DateTimeOffset at)
    {
        var key = new byte[16];
        BinaryPrimitives.WriteInt64BigEndian(key, Math.Max(0, at.ToUnixTimeMilliseconds()) << 16);
        return key;
    }

    private static DateTimeOffset Milliseconds(DateTimeOffset at) => DateTimeOffset.FromUnixTimeMilliseconds(at.ToUnixTimeMilliseconds());

    /// <summary>Without what no database can store, or what would show as something else (control and direction characters).</summary>
    private static string? Cut(string? text, int longest)
    {
        if (string.IsNullOrEmpty(text)) return null;
        if (text.Length <= longest && !text.AsSpan().ContainsAnyExceptInRange(' ', '~')) return text;
        StringBuilder? cleaned = null;
        var length = 0;
        foreach (var rune in text.EnumerateRunes())
        {
            if (length + rune.Utf16SequenceLength > longest)
            {
                (cleaned ??= new StringBuilder(text, 0, length, longest)).Append('…');
                break;
            }

            var plain = IsPlain(rune) && text.AsSpan(length).StartsWith(rune.ToString(), StringComparison.Ordinal);
            if (!plain) cleaned ??= new StringBuilder(text, 0, length, longest);
            cleaned?.Append(plain ? rune.ToString() : "\uFFFD");
            length += rune.Utf16SequenceLength;
        }

        return cleaned?.ToString() ?? text;
    }

    private static bool IsPlain(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is not (System.Globalization.UnicodeCategory.Control or System.Globalization.UnicodeCategory.Format
            or System.Globalization.UnicodeCategory.LineSeparator or System.Globalization.UnicodeCategory.ParagraphSeparator);
}
