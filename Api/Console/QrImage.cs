using QRCoder;

namespace FleetMdm.Api.Console;

/// <summary>A QR code as a picture within a page.</summary>
internal static class QrImage
{
    /// <summary>SVG without a size of its own: the page gives it one.</summary>
    public static string Svg(string text)
    {
        using var data = QRCodeGenerator.GenerateQrCode(text, QRCodeGenerator.ECCLevel.M);
        using var code = new SvgQRCode(data);
        return code.GetGraphic(4, "#000000", "#ffffff", drawQuietZones: true, SvgQRCode.SizingMode.ViewBoxAttribute);
    }
}
