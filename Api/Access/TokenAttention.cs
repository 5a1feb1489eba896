using FleetMdm.Api.Console;

namespace FleetMdm.Api.Access;

/// <summary>Tokens that should be replaced: the server's first one, and the reader's own before it ends.</summary>
internal sealed class TokenAttention(TokenService tokens) : IAttention
{
    private const int Order = 20;

    public async Task<IReadOnlyList<AttentionItem>> Find(FleetUser reader)
    {
        var hint = await tokens.Hint(reader);
        List<AttentionItem> items = [];
        if (hint?.FirstTokenId is not null) items.Add(new AttentionItem(Order, null, "The server's first token still works: replace it by one of your own", "/tokens"));
        if (hint?.OwnExpiresAt is not null) items.Add(new AttentionItem(Order, null, "Your token expires soon: create another one", "/tokens"));
        return items;
    }
}
