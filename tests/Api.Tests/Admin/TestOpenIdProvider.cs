using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>A provider of OpenID Connect over HTTP, as strict as the standard: it checks client, secret, address and the key of each code. What it says of a person can be made
/// wrong.</summary>
internal sealed class TestOpenIdProvider : IAsyncDisposable
{
    public const string Client = "fleetmdm-client";
    public const string Secret = "a secret & more";

    private readonly ConcurrentDictionary<string, (string Challenge, string Nonce, string Redirect)> _codes = [];
    private WebApplication? _app;
    private RSA _key = RSA.Create(2048);
    private int _keyNumber = 1;

    public string Issuer { get; private set; } = "";

    /// <summary>Of whoever signs in next.</summary>
    public JsonObject Person { get; set; } = [];

    /// <summary>The claims of the next token are made wrong.</summary>
    public Action<JsonObject> Spoil { get; set; } = _ => { };

    /// <summary>The signature of the next token is.</summary>
    public bool SpoilSignature { get; set; }

    /// <summary>In the place of a code.</summary>
    public string? Error { get; set; }

    public async Task Start()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Configuration["urls"] = "http://127.0.0.1:0";
        _app = builder.Build();
        _app.MapGet("/.well-known/openid-configuration", () => Results.Json(new
        {
            issuer = Issuer,
            authorization_endpoint = Issuer + "/authorize",
            token_endpoint = Issuer + "/token",
            userinfo_endpoint = Issuer + "/userinfo",
            jwks_uri = Issuer + "/keys",
            response_types_supported = new[] { "code" },
            subject_types_supported = new[] { "public" },
            id_token_signing_alg_values_supported = new[] { "RS256" },
        }));
        _app.MapGet("/keys", () =>
        {
            var key = _key.ExportParameters(false);
            return Results.Json(new { keys = new[] { new { kty = "RSA", use = "sig", alg = "RS256", kid = $"key-{_keyNumber}", n = Base64Url.EncodeToString(key.Modulus), e = Base64Url.EncodeToString(key.Exponent) } } });
        });
        _app.MapGet("/authorize", (Delegate)Authorize);
        _app.MapPost("/token", (Delegate)Token);
        _app.MapGet("/userinfo", () => Results.Text(Person.ToJsonString(), "application/json"));
        await _app.StartAsync();
        Issuer = _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
    }

    /// <summary>From now on tokens are signed with another key, and only that one is published.</summary>
    public void ChangeKey() => (_key, _keyNumber) = (RSA.Create(2048), _keyNumber + 1);

    public Task Stop() => _app!.StopAsync();

    public async ValueTask DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
        _key.Dispose();
    }

    private IResult Authorize(HttpContext context)
    {
        string Asked(string name) => context.Request.Query[name].ToString();
        Assert.Equal((Client, "code", "S256"), (Asked("client_id"), Asked("response_type"), Asked("code_challenge_method")));
        Assert.Contains("openid", Asked("scope").Split(' '));
        var redirect = Asked("redirect_uri");
        if (Error is not null) return Results.Redirect(QueryHelpers.AddQueryString(redirect, new Dictionary<string, string?> { ["error"] = Error, ["state"] = Asked("state") }));
        var code = Guid.NewGuid().ToString("N");
        _codes[code] = (Asked("code_challenge"), Asked("nonce"), redirect);
        return Results.Redirect(QueryHelpers.AddQueryString(redirect, new Dictionary<string, string?> { ["code"] = code, ["state"] = Asked("state") }));
    }

    private async Task<IResult> Token(HttpContext context)
    {
        var form = await context.Request.ReadFormAsync();
        if (!_codes.TryRemove(form["code"].ToString(), out var known) || known.Redirect != form["redirect_uri"] || form["client_id"] != Client || form["client_secret"] != Secret
            || Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(form["code_verifier"].ToString()))) != known.Challenge)
            return Results.Json(new { error = "invalid_grant" }, statusCode: 400);

        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var claims = new JsonObject { ["iss"] = Issuer, ["aud"] = Client, ["iat"] = now, ["exp"] = now + 300, ["nonce"] = known.Nonce };
        foreach (var (name, value) in Person) claims[name] = value?.DeepClone();
        Spoil(claims);
        return Results.Json(new { access_token = "access", token_type = "Bearer", expires_in = 300, id_token = Sign(claims) });
    }

    private string Sign(JsonObject claims)
    {
        var header = new JsonObject { ["alg"] = "RS256", ["typ"] = "JWT", ["kid"] = $"key-{_keyNumber}" };
        var text = $"{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(header.ToJsonString()))}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(claims.ToJsonString()))}";
        var signature = _key.SignData(Encoding.ASCII.GetBytes(text), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        if (SpoilSignature) signature[7] ^= 1;
        return $"{text}.{Base64Url.EncodeToString(signature)}";
    }
}
