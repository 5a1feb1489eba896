using System.Security.Cryptography;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Access;
using Microsoft.AspNetCore.Identity;
using Microsoft.Extensions.Options;

namespace FleetMdm.Api.Access;

/// <summary>Hashes passwords (PBKDF2 with SHA-512, by ASP.NET Core Identity), a few at a time: strangers who try cannot have all of the processor.</summary>
internal sealed class Passwords : IDisposable
{
    /// <summary>About a tenth of a second of one core.</summary>
    private const int Rounds = 210_000;

    /// <summary>Longer than anybody looks at a form; who waits as long is told to come again.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly PasswordHasher<Account> _hasher = new(Options.Create(new PasswordHasherOptions { IterationCount = Rounds }));
    private readonly SemaphoreSlim _places = new(Math.Max(1, Environment.ProcessorCount / 2));
    private readonly string _nobodys;

    public Passwords() => _nobodys = _hasher.HashPassword(null!, Convert.ToHexString(RandomNumberGenerator.GetBytes(16)));

    public Task<string> Hash(string password) => InTurn(() => _hasher.HashPassword(null!, password));

    /// <summary>Takes as long for an account without a password, and for none at all.</summary>
    /// <param name="hash">Null: there is none.</param>
    /// <param name="password">As it was typed.</param>
    public async Task<bool> Verify(string? hash, string password)
    {
        var typed = password.Length <= PasswordRules.Longest ? password : "";
        return await InTurn(() => _hasher.VerifyHashedPassword(null!, hash ?? _nobodys, typed)) != PasswordVerificationResult.Failed && hash is not null && typed.Length > 0;
    }

    public void Dispose() => _places.Dispose();

    private async Task<T> InTurn<T>(Func<T> work)
    {
        if (!await _places.WaitAsync(Patience))
        {
            throw new ApiProblem(StatusCodes.Status503ServiceUnavailable, ProblemCodes.Busy, "Too many sign in at once", "Too many people sign in at this moment. Try again in a few seconds.")
            {
                RetryAfter = 5,
            };
        }

        try
        {
            return work();
        }
        finally
        {
            _places.Release();
        }
    }
}
