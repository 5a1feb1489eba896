using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Secrets;

namespace FleetMdm.Api.Operations;

/// <summary>What a dry run was about: the same for the run and for the start.</summary>
/// <param name="TokenId">Who asks.</param>
/// <param name="Target">As JSON.</param>
/// <param name="Forced">Also iPads that would refuse it.</param>
internal sealed record ConfirmedMatter(string TokenId, string RequestType, ReadOnlyMemory<byte> Command, string Target, bool Forced);

/// <param name="OperationId">The operation that it starts; sent twice it starts it once.</param>
/// <param name="Count">How many iPads were told.</param>
internal sealed record Confirmation(Guid OperationId, long Count, DateTimeOffset ExpiresAt)
{
    /// <summary>The iPads share it.</summary>
    public string CommandUuid => Guid.CreateVersion7(ExpiresAt - OperationConfirmations.GoodFor) is var at
        ? new Guid([.. at.ToByteArray(bigEndian: true)[..6], .. SHA256.HashData(OperationId.ToByteArray())[..10]], bigEndian: true).ToString("D").ToUpperInvariant()
        : "";
}

/// <summary>Tokens that say: this person was told what this command would do to this many iPads.</summary>
/// <remarks>Nothing is kept: a token carries what it says, with an HMAC over it and over the matter, under a key that all nodes have. It is good for one person, one
/// command, one target and one number, for a quarter of an hour, and it starts one operation.</remarks>
internal sealed class OperationConfirmations(SecretSealer sealer, TimeProvider time)
{
    /// <summary>Long enough to read a page and ask a colleague.</summary>
    public static readonly TimeSpan GoodFor = TimeSpan.FromMinutes(15);

    private const int Longest = 200;

    private readonly byte[] _key = sealer.Derive("operation-confirmation", 32);

    public (string Token, DateTimeOffset ExpiresAt) Make(ConfirmedMatter matter, long count)
    {
        var now = time.GetUtcNow();
        var made = new Confirmation(Guid.CreateVersion7(now), count, DateTimeOffset.FromUnixTimeSeconds((now + GoodFor).ToUnixTimeSeconds()));
        var said = Said(made);
        return ($"{said}.{Base64Url.EncodeToString(Mac(said, matter))}", made.ExpiresAt);
    }

    /// <exception cref="ApiProblem">400: it is not of this server, or about something else; 409: it is too old.</exception>
    public Confirmation Read(string token, ConfirmedMatter matter)
    {
        var parts = token.Length <= Longest ? token.Split('.') : [];
        if (parts is not [var id, var count, var expires, var mac] || !Guid.TryParseExact(id, "N", out var operation)
            || !long.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || !long.TryParse(expires, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) || seconds > 253_402_300_799
            || !Base64Url.IsValid(mac))
            throw Wrong();
        var read = new Confirmation(operation, number, DateTimeOffset.FromUnixTimeSeconds(seconds));
        if (!CryptographicOperations.FixedTimeEquals(Mac(Said(read), matter), Base64Url.DecodeFromChars(mac)))
            throw Wrong();
        return read.ExpiresAt > time.GetUtcNow()
            ? read
            : throw ApiProblem.Conflict(ProblemCodes.NotConfirmed, "The confirmation is too old", "The dry run was more than 15 minutes ago. Nothing was started. Do it again.");
    }

    private static ApiProblem Wrong() => ApiProblem.Field(
        "confirmation", "It belongs to another command, another target or another token, or to no dry run at all. Send what the dry run of this very request returned.");

    private static string Said(Confirmation one) =>
        string.Create(CultureInfo.InvariantCulture, $"{one.OperationId:N}.{one.Count}.{one.ExpiresAt.ToUnixTimeSeconds()}");

    /// <summary>Each part has its length before it, or a fixed one: no two matters look the same.</summary>
    private byte[] Mac(string said, ConfirmedMatter matter)
    {
        using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, _key);
        foreach (var part in new[] { said, matter.TokenId, matter.RequestType, matter.Target, matter.Forced ? "forced" : "" })
        {
            var bytes = Encoding.UTF8.GetBytes(part);
            hmac.AppendData(BitConverter.GetBytes(bytes.Length));
            hmac.AppendData(bytes);
        }

        hmac.AppendData(SHA256.HashData(matter.Command.Span));
        return hmac.GetHashAndReset();
    }
}
