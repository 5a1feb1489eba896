using System.Security.Cryptography;
using System.Text;
using FleetMdm.Api.Access;
using FleetMdm.Storage;
using FleetMdm.Storage.Access;

namespace FleetMdm.Api.Rest;

// A POST with an Idempotency-Key:
//
//   1. key        one header of at most 255 visible ASCII characters; else 400
//   2. claim      by (token, route, key) in the store, with a hash of the whole request
//   3. reuse      the key stands there with another request, which was not refused: 422
//   4. replay     the key stands there with an answer: that answer again, marked Idempotency-Replayed
//   5. do         otherwise do it, with ids derived from the key (RequestIds): doing it twice makes nothing twice
//   6. keep       the answer, unless it says that another try may end otherwise (5xx, 429)

/// <summary>Endpoint filter of every POST that changes something.</summary>
internal sealed partial class IdempotencyFilter(
    IIdempotencyStore store, RequestIds ids, FleetExceptionHandler exceptions, TimeProvider time, ILogger<IdempotencyFilter> logger) : IEndpointFilter
{
    public const string KeyHeader = "Idempotency-Key";
    public const string ReplayedHeader = "Idempotency-Replayed";

    private const int LongestKey = 255;

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next)
    {
        var context = invocation.HttpContext;
        if (!context.Request.Headers.TryGetValue(KeyHeader, out var header)) return await next(invocation);

        // 1
        if (header.Count != 1 || header[0] is not { Length: > 0 and <= LongestKey } key || key.Any(c => c is < '!' or > '~'))
        {
            throw ApiProblem.Field(KeyHeader, $"It must be 1 to {LongestKey} visible ASCII characters, sent once.",
                ProblemCodes.InvalidIdempotencyKey);
        }

        // 2
        var route = (context.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText ?? context.Request.Path.Value;
        var scope = $"{FleetUser.Of(context).TokenId} {context.Request.Method} {route}";
        var hash = await HashAsync(context);
        var record = await store.Claim(scope, key, hash, time.GetUtcNow());

        // 3
        if (!record.IsNew && !record.RequestHash.AsSpan().SequenceEqual(hash))
        {
            throw new ApiProblem(StatusCodes.Status422UnprocessableEntity, ProblemCodes.IdempotencyKeyReused, "The Idempotency-Key was used before",
                "This Idempotency-Key was sent with another request before. Make a new key for each request, and repeat it only with the same request.")
            {
                Errors = new Dictionary<string, string[]> { [KeyHeader] = ["It was used with another request."] },
            };
        }

        // 4
        if (!record.IsNew) context.Response.Headers[ReplayedHeader] = "true";
        if (record is { IsNew: false, Status: { } status }) return new StoredAnswer(status, record.ContentType, record.Body, record.Location);

        // 5
        await ids.Bind(context, scope, key, record.ClaimedAt);
        var secret = context.GetEndpoint()?.Metadata.GetMetadata<SecretAnswer>() is not null;
        object? result;
        try
        {
            result = await next(invocation);
        }
        catch (Exception e) when (!context.RequestAborted.IsCancellationRequested)
        {
            result = exceptions.ResultOf(context, e);
        }

        // A secret is not kept: it is derived from the key again.
        return result is IResult answer && !secret ? await KeepAsync(context, scope, key, answer) : result;
    }

    private static async ValueTask<byte[]> HashAsync(HttpContext context)
    {
        var body = await RequestBody.ReadAsync(context);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var request = context.Request;
        hash.AppendData(Encoding.UTF8.GetBytes($"{request.Method}\n{request.Path}\n{request.QueryString}\n{RequestBody.MediaType(request)}\n"));
        hash.AppendData(body.Span);
        return hash.GetHashAndReset();
    }

    // 6
    private async Task<IResult> KeepAsync(HttpContext context, string scope, string key, IResult answer)
    {
        var response = context.Response;
        var body = response.Body;
        using var buffer = new MemoryStream();
        response.Body = buffer;
        try
        {
            await answer.ExecuteAsync(context);
        }
        finally
        {
            response.Body = body;
        }

        var bytes = buffer.GetBuffer().AsMemory(0, (int)buffer.Length);
        if (response.StatusCode is < 500 and not StatusCodes.Status429TooManyRequests)
        {
            try
            {
                await store.Complete(scope, key, response.StatusCode, response.ContentType, bytes, response.Headers.Location);
            }
            catch (StoreUnavailableException e)
            {
                // What was asked is done and durable. A repetition will do it again, to the same effect.
                LogNotKept(e);
            }
        }

        return new StoredAnswer(response.StatusCode, response.ContentType, bytes.ToArray(), response.Headers.Location);
    }

    [LoggerMessage(3110, LogLevel.Warning, "An answer could not be kept under its Idempotency-Key; a repetition is still safe")]
    private partial void LogNotKept(Exception exception);

    private sealed class StoredAnswer(int status, string? contentType, byte[]? body, string? location) : IResult
    {
        public Task ExecuteAsync(HttpContext httpContext)
        {
            var response = httpContext.Response;
            response.StatusCode = status;
            if (contentType is not null) response.ContentType = contentType;
            if (location is not null) response.Headers.Location = location;
            if (body is not { Length: > 0 }) return Task.CompletedTask;
            response.ContentLength = body.Length;
            return response.Body.WriteAsync(body, 0, body.Length, httpContext.RequestAborted);
        }
    }
}

/// <summary>Endpoint metadata: the answer holds a secret, so it must not be kept.</summary>
internal sealed class SecretAnswer
{
    public static readonly SecretAnswer Instance = new();
}
