using System.Globalization;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.Attestation;
using FleetMdm.Storage.Attestation;

namespace FleetMdm.Api.Attestation;

/// <summary>The addresses of ACME on this server, and its answers (RFC 8555, section 7.1).</summary>
internal static class AcmeAnswers
{
    public const string Prefix = "/acme";
    public const string Directory = $"{Prefix}/directory";
    public const string NewNonce = $"{Prefix}/new-nonce";
    public const string NewAccount = $"{Prefix}/new-account";
    public const string NewOrder = $"{Prefix}/new-order";
    public const string Account = $"{Prefix}/account/";
    public const string Order = $"{Prefix}/order/";
    public const string Authorization = $"{Prefix}/authorization/";
    public const string Challenge = $"{Prefix}/challenge/";
    public const string Finalize = $"{Prefix}/finalize/";
    public const string Certificate = $"{Prefix}/certificate/";

    public const string IdentifierType = "permanent-identifier";
    private const string ChallengeType = "device-attest-01";

    public static JsonObject OfDirectory(Uri server) => new()
    {
        ["newNonce"] = At(server, NewNonce),
        ["newAccount"] = At(server, NewAccount),
        ["newOrder"] = At(server, NewOrder),
        ["meta"] = new JsonObject { ["externalAccountRequired"] = false },
    };

    /// <param name="server">Its public URL.</param>
    /// <param name="order">The order.</param>
    /// <param name="identifier">What the iPad named.</param>
    public static JsonObject OfOrder(Uri server, AttestedOrder order, string identifier)
    {
        var answer = new JsonObject
        {
            ["status"] = order.State switch
            {
                AttestedOrderState.Pending => "pending",
                AttestedOrderState.Ready => "ready",
                AttestedOrderState.Valid => "valid",
                _ => "invalid",
            },
            ["expires"] = Time(order.ExpiresAt),
            ["identifiers"] = new JsonArray(Identifier(identifier)),
            ["authorizations"] = new JsonArray(At(server, Authorization + order.Id)),
            ["finalize"] = At(server, Finalize + order.Id),
        };
        if (order.Certificate is not null) answer["certificate"] = At(server, Certificate + order.Id);
        if (order.Problem is { } problem) answer["error"] = Problem(AcmeProblem.BadAttestationStatement, problem);
        return answer;
    }

    public static JsonObject OfAuthorization(Uri server, AttestedOrder order, string identifier) => new()
    {
        ["status"] = StateOf(order),
        ["expires"] = Time(order.ExpiresAt),
        ["identifier"] = Identifier(identifier),
        ["challenges"] = new JsonArray(OfChallenge(server, order)),
    };

    public static JsonObject OfChallenge(Uri server, AttestedOrder order)
    {
        var answer = new JsonObject
        {
            ["type"] = ChallengeType,
            ["url"] = At(server, Challenge + order.Id),
            ["status"] = StateOf(order),
            ["token"] = order.Token,
        };
        if (order.Attested is { } attested) answer["validated"] = Time(attested.ProvedAt);
        if (order.Problem is { } problem) answer["error"] = Problem(AcmeProblem.BadAttestationStatement, problem);
        return answer;
    }

    public static JsonObject Problem(AcmeProblem problem, string detail) => new() { ["type"] = AcmeException.TypeOf(problem), ["detail"] = detail };

    public static string At(Uri server, string path) => new Uri(server, path).AbsoluteUri;

    private static JsonObject Identifier(string identifier) => new() { ["type"] = IdentifierType, ["value"] = identifier };

    private static string StateOf(AttestedOrder order) => order.State switch
    {
        AttestedOrderState.Pending => "pending",
        AttestedOrderState.Invalid => "invalid",
        _ => "valid",
    };

    private static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
