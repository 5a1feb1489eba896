using FleetMdm.Api.Console;
using FleetMdm.Api.SetUp;
using FleetMdm.Storage.Access;

namespace FleetMdm.Api.Access;

/// <summary>People work with accounts of their own, and the server's first token is gone.</summary>
internal sealed class AccountSetUp(IAccountStore accounts, TokenService tokens) : ISetUp
{
    private const int Order = 20;

    public async Task<IReadOnlyList<SetUpStep>> Find(FleetUser reader)
    {
        if (!reader.May(Rights.AccountRead)) return [];
        var administrators = await accounts.CountOfRole(Roles.Administrator);
        var (state, detail, path) = administrators == 0
            ? (SetUpStep.ToDo, "Nobody has an account with the role Administrator. With accounts, the audit record knows who did what.", "/accounts/new")
            : (await tokens.Hint(reader))?.FirstTokenId is not null
            ? (SetUpStep.Look, "The server's first token still works. Revoke it.", "/tokens")
            : (SetUpStep.Done, $"{Words.Count(administrators, "account has", "accounts have")} the role Administrator.", "/accounts");
        return [new SetUpStep { Order = Order, Id = "account", Title = "Work with an account of your own", State = state, Detail = detail, Path = path }];
    }
}
